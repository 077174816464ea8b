/** `tally score`, `tally encrypted` and `tally lookup`: commands, options and help. */
import type { Command } from 'commander'
import { encodingOption, examples, group, homeOption, lazily } from './options.ts'

export const registerScoring = (program: Command): void => {
  const score = group(program, 'score', 'scores of a linear or logistic model over encrypted features')
  examples(
    score
      .command('terms')
      .description('write terms from the declared features of the client, and explain what a run takes')
      .requiredOption('--client <table.json>', 'the declaration of the features')
      .requiredOption('--server <identity.json>', 'who has the model')
      .requiredOption('--auditor <auditor.json>', 'who may replay the evidence of the client')
      .requiredOption('--purpose <text>', 'what the scores are for')
      .option('--score-decimals <n>', 'decimals of a score before the logistic function', '6')
      .option('--weight-bits <n>', 'bits of a weight in units', '24')
      .option('--days <n>', 'days until the terms expire', '30')
      .option('--chain <chain.json>', 'the chain that records it (default: none)')
      .option('--out <file>', 'where to write them', 'terms.json')
      .action(lazily(async () => (await import('../commands/score.ts')).terms)),
    'tally score terms --client clinic/table.json --server bank/identity.json \\\n' +
      '      --auditor audit/auditor.json --purpose "Risk of admission"',
  )
  examples(
    score
      .command('run')
      .description('run approved terms with the partner; run it again after a crash and it goes on where it was')
      .requiredOption('--terms <terms.json>', 'terms that both parties approved')
      .requiredOption('--input <file.csv>', 'the features that were declared; at the server the model: name, weight')
      .option('--table <table.json>', 'the declaration of the features (default: table.json of the home)')
      .option('--listen <[host:]port>', 'wait here for the partner')
      .option('--connect <host:port>', 'go to the partner there')
      .option('--explain', 'say first which ring it takes, bytes and seconds')
      .option('--dry-run', 'check and explain everything, use no network')
      .option('--chain <chain.json>', 'record it on this chain (default: chain.json of the home, if there)')
      .addOption(encodingOption())
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/score.ts')).run)),
    'tally score run --terms terms.json --input features.csv --home clinic --listen 7443 --explain',
    'tally score run --terms terms.json --input model.csv --home bank --connect clinic.example:7443',
  )
}

export const registerEncrypted = (program: Command): void => {
  const encrypted = group(program, 'encrypted', 'an agreed program over encrypted columns of one to four owners')
  examples(
    encrypted
      .command('terms')
      .description('write terms from a program and the declared tables, and explain what a run takes')
      .argument('<program.json>', 'an expression for each output, such as { "average": ["mean", "income"] }')
      .requiredOption('--receiver <identity.json>', 'who has the key and learns the outputs')
      .requiredOption('--compute <identity.json>', 'who computes, and reads nothing')
      .requiredOption('--owner <table.json...>', 'declarations of the tables, in the order of owner-1 to owner-4')
      .requiredOption('--auditor <auditor.json>', 'who may replay the evidence of who computes')
      .requiredOption('--purpose <text>', 'what the outputs are for')
      .option('--precision <x>', 'the most that a number of an output may be off; exact unless given')
      .option('--days <n>', 'days until the terms expire', '30')
      .option('--chain <chain.json>', 'the chain that records it (default: none)')
      .option('--out <file>', 'where to write them', 'terms.json')
      .action(lazily(async () => (await import('../commands/encrypted.ts')).terms)),
    'tally encrypted terms program.json --receiver office/identity.json --compute cloud/identity.json \\\n' +
      '      --owner bank-a/table.json bank-b/table.json --auditor audit/auditor.json --purpose "Spread of incomes"',
  )
  examples(
    encrypted
      .command('run')
      .description('run approved terms with the partners; run it again after a crash and it goes on where it was')
      .requiredOption('--terms <terms.json>', 'terms that all parties approved')
      .option('--input <table.csv>', 'the table that was declared, at its owner')
      .option('--table <table.json>', 'its declaration (default: table.json of the home)')
      .option('--listen <[host:]port>', 'wait here for the partners that are not dialled')
      .option('--connect <role=host:port...>', 'go to a partner there')
      .option('--explain', 'say first which ring it takes, bytes and seconds')
      .option('--dry-run', 'check and explain everything, use no network')
      .option('--chain <chain.json>', 'record it on this chain (default: chain.json of the home, if there)')
      .addOption(encodingOption())
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/encrypted.ts')).run)),
    'tally encrypted run --terms terms.json --home office --listen 7443 --explain',
    'tally encrypted run --terms terms.json --home cloud --listen 7443 --connect receiver=office.example:7443',
    'tally encrypted run --terms terms.json --input incomes.csv --home bank-a \\\n' +
      '      --connect receiver=office.example:7443 compute=cloud.example:7443',
  )
}

export const registerLookup = (program: Command): void => {
  const lookup = group(program, 'lookup', "rows of a partner's table by their keys, under encryption")
  examples(
    lookup
      .command('terms')
      .description('write terms from the declarations of both parties, and explain what a run takes')
      .requiredOption('--client <declaration.json>', 'who asks: its keys')
      .requiredOption('--holder <declaration.json>', 'who has the table')
      .requiredOption('--auditor <auditor.json>', 'who may replay the evidence of the client')
      .requiredOption('--purpose <text>', 'what the answers are for')
      .requiredOption('--values <columns>', 'the columns that the client is told, separated by commas')
      .option('--value-bytes <n>', 'most bytes that these take in a row (as JSON)', '64')
      .option('--days <n>', 'days until the terms expire', '30')
      .option('--chain <chain.json>', 'the chain that records it (default: none)')
      .option('--out <file>', 'where to write them', 'terms.json')
      .action(lazily(async () => (await import('../commands/lookup.ts')).terms)),
    'tally lookup terms --client clinic/declaration.json --holder provider/declaration.json --values AC,AN,gene \\\n' +
      '      --auditor audit/auditor.json --purpose "Frequency of the variants of a patient"',
  )
  examples(
    lookup
      .command('run')
      .description('run approved terms with the partner; run it again after a crash and it goes on where it was')
      .requiredOption('--terms <terms.json>', 'terms that both parties approved')
      .requiredOption('--input <list.csv>', 'the keys that were declared; at the holder the table')
      .option('--listen <[host:]port>', 'wait here for the partner')
      .option('--connect <host:port>', 'go to the partner there')
      .option('--explain', 'say first which ring it takes, bytes and seconds')
      .option('--dry-run', 'check and explain everything, use no network')
      .option('--chain <chain.json>', 'record it on this chain (default: chain.json of the home, if there)')
      .addOption(encodingOption())
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/lookup.ts')).run)),
    'tally lookup run --terms terms.json --input variants.tsv --home clinic --listen 7443 --explain',
    'tally lookup run --terms terms.json --input table.tsv --home provider --connect clinic.example:7443',
  )
}
