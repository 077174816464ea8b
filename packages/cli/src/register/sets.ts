/** `tally terms`, `tally list`, `tally psi` and `tally receipts`: commands, options and help. */
import { Option, type Command } from 'commander'
import { each, encodingOption, examples, group, homeOption, lazily } from './options.ts'

export const registerTerms = (program: Command): void => {
  const terms = group(program, 'terms', 'what the parties agree to')
  examples(
    terms
      .command('new')
      .description('write terms from the declarations of all parties')
      .option('--receiver <declaration.json>', 'of two: the party that learns the result')
      .option('--sender <declaration.json>', 'of two: the other party')
      .option('--party <declaration.json...>', 'of three to ten: all, the one that learns (the leader) first')
      .requiredOption('--auditor <auditor.json>', 'who may replay the evidence of one party')
      .requiredOption('--purpose <text>', 'what the result is for')
      .addOption(
        new Option(
          '--output <kind>',
          'which rows are common, how many, the sums of their values, sums and products of two columns, or the ids ' +
            'that the receiver lacks; of three and more lists also which rows of the leader are on any, at least ' +
            '--threshold, or none of the others, or the union: each id once',
        )
          .choices(['intersection', 'cardinality', 'sum', 'statistics', 'union', 'in-any', 'at-least', 'difference'])
          .default('intersection'),
      )
      .addOption(new Option('--to <who>', 'who learns it').choices(['receiver', 'both']).default('receiver'))
      .option('--threshold <lists>', 'with at-least: on how many of the other lists')
      .option('--id-bytes <n>', 'with union: no id of the sender (of any of many) is longer (default: 31)')
      .option('--protocol <name>', 'auto, or one such as psi/rr22 (docs/psi-operator.md)', 'auto')
      .addOption(
        new Option('--adversary <kind>', 'what the protocol must withstand')
          .choices(['semi-honest', 'malicious'])
          .default('semi-honest'),
      )
      .option('--no-lpn', 'do not rely on learning parity with noise')
      .option('--minimum-sets <rows>', 'nothing starts if a set is smaller')
      .option('--minimum-result <rows>', "a smaller result is withheld by its receiver's software")
      .option('--days <n>', 'days until the terms expire', '30')
      .option('--chain <chain.json>', 'the chain that records it (default: none)')
      .option('--out <file>', 'where to write them', 'terms.json')
      .action(lazily(async () => (await import('../commands/terms.ts')).create)),
    'tally terms new --receiver bank-a/declaration.json --sender bank-b/declaration.json \\\n' +
      '      --auditor audit/auditor.json --purpose "Customers whom both of us have blacklisted"',
    'tally terms new --party a/declaration.json b/declaration.json c/declaration.json \\\n' +
      '      --auditor audit/auditor.json --purpose "Customers whom all three of us have blacklisted"',
  )
  examples(
    terms
      .command('show')
      .description('show in plain words what is agreed: every value of the bytes that are hashed')
      .argument('<terms.json>')
      .action(lazily(async () => (await import('../commands/terms.ts')).show)),
    'tally terms show terms.json',
    'tally terms show terms.json --json',
  )
  examples(
    terms
      .command('approve')
      .description('sign the terms as the party of this home, after it has seen them')
      .argument('<terms.json>')
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/terms.ts')).approve)),
    'tally terms approve terms.json --home bank-a',
  )
}

export const registerList = (program: Command): void => {
  const list = group(program, 'list', 'long lists, prepared once, that partners ask about a few ids at a time')
  const listOption = (): Option => new Option('--list <folder>', 'the prepared list').default('prepared-list')
  examples(
    list
      .command('prepare')
      .description('prepare a list under a new key: a filter for partners, and declaration.json')
      .argument('<list>', 'the list (.csv, .parquet), columns named on line 1')
      .requiredOption('--column <name>', 'the column of ids; once more for each of several that make one', each)
      .option('--normalisation <name>', 'what counts as equal (default: trim/1), for all or each; docs/data.md', each)
      .addOption(
        new Option('--duplicates <rule>', 'what happens to repeated ids')
          .choices(['refuse', 'keep-first', 'count'])
          .default('refuse'),
      )
      .addOption(
        new Option('--fingerprint <bits>', 'a stranger is taken for listed with probability 2^-bits')
          .choices(['32', '64'])
          .default('32'),
      )
      .option('--source <text>', 'what the list is, for whoever approves the terms (default: the name of the file)')
      .addOption(listOption())
      .addOption(encodingOption())
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/list.ts')).prepare)),
    'tally list prepare blacklist.csv --column "ID number" --normalisation resident-id/1 --home bank-b',
  )
  examples(
    list
      .command('update')
      .description('bring a prepared list to what the list says now, and write the difference for partners')
      .argument('<list>', 'the whole list as it is now')
      .addOption(listOption())
      .addOption(encodingOption())
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/list.ts')).update)),
    'tally list update blacklist.csv --list prepared-list --home bank-b',
  )
  examples(
    list
      .command('check')
      .description('evaluate a whole list again: whether the prepared one is of it, also for an auditor who has both')
      .argument('<list>', 'the whole list')
      .addOption(listOption())
      .addOption(encodingOption())
      .action(lazily(async () => (await import('../commands/list.ts')).check)),
    'tally list check blacklist.csv --list prepared-list',
  )
  examples(
    list
      .command('apply')
      .description("apply a holder's update to the copy of the filter")
      .argument('<update>', 'the next update, in order')
      .requiredOption('--filter <file>', 'the copy')
      .action(lazily(async () => (await import('../commands/list.ts')).apply)),
    'tally list apply updates/2 --filter filter-of-bank-b',
  )
}

export const registerRun = (program: Command): void => {
  const psi = group(program, 'psi', 'set operations over private lists')
  examples(
    psi
      .command('run')
      .description('run approved terms with the partners; run it again after a crash and it goes on where it was')
      .requiredOption('--terms <terms.json>', 'terms that all parties approved')
      .requiredOption('--input <list.csv>', 'the list that was declared')
      .option('--listen <[host:]port>', 'wait here for the partners that are not dialled')
      .option('--connect <[role=]host:port...>', 'go to a partner there; its role is needed where there are several')
      .option('--dry-run', 'check everything, predict time and traffic, use no network')
      .option('--explain', 'say why this protocol, and what it costs; afterwards, what it did cost')
      .option('--complement', 'also write the other rows of the list, complement.csv: those that the result leaves out')
      .option('--filter <file>', "with a prepared list: the receiver's copy of its filter")
      .option('--chain <chain.json>', 'record it on this chain (default: chain.json of the home, if there)')
      .addOption(encodingOption())
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/psi.ts')).run)),
    'tally psi run --terms terms.json --input list.csv --home bank-a --dry-run',
    'tally psi run --terms terms.json --input list.csv --home bank-a --listen 7443',
    'tally psi run --terms terms.json --input list.csv --home bank-b --connect bank-a.example:7443',
    'tally psi run --terms terms.json --input list.csv --home bank-c --connect leader=bank-a.example:7443 \\\n' +
      '      member-1=bank-b.example:7443',
  )
  examples(
    psi
      .command('anchor')
      .description('record all receipts of this home that no chain has yet, in one transaction')
      .option('--chain <chain.json>', 'the chain (default: chain.json of the home)')
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/receipts.ts')).anchorReceipts)),
    'tally psi anchor --home bank-a --chain chain.json',
  )
  examples(
    psi
      .command('anchored')
      .description('check that a chain has a receipt; its receipt-anchor.json lies beside it')
      .argument('<receipt.json>')
      .requiredOption('--chain <chain.json>', 'the chain')
      .action(lazily(async () => (await import('../commands/receipts.ts')).checkReceipt)),
    'tally psi anchored receipt.json --chain chain.json',
  )
}
