/** The commands, their options and help. The code behind each is imported when it is called. */
import { Option, type Command } from 'commander'
import { TallyError } from '@tallystick/core'
import { createOutput, type Output } from './output.ts'
import { registerQuery } from './query/commands.ts'

/** Help that ends in commands which work as they stand. */
const examples = (command: Command, ...lines: readonly string[]): Command =>
  command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`)

/** An option that may be given several times. */
const each = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value]

const homeOption = (): Option =>
  new Option('--home <folder>', 'keys and jobs of this party').default('.tally').env('TALLY_HOME')
const encodingOption = (): Option =>
  new Option('--encoding <name>', 'how the list is encoded')
    .choices(['utf-8', 'gb18030', 'big5', 'utf-16le'])
    .default('utf-8')

const expectOption = (verdicts: readonly string[], usual: string): Option =>
  new Option('--expect <verdict>', 'end with an exit code other than 0 below it').choices(verdicts).default(usual)

/** Commander types no option; each action states the ones that its command declares here. */
type Action = (output: Output, options: never, ...operands: never[]) => Promise<void>

const outputOf = (command: Command): Output => createOutput(command.optsWithGlobals()['json'] === true)

/** Loads the action and calls it with the output that the global options ask for. */
const lazily =
  (load: () => Promise<Action>) =>
  async (...received: unknown[]): Promise<void> => {
    const command = received.at(-1) as Command
    const output = outputOf(command)
    const action = await load()
    await action(output, command.opts<never>(), ...(command.processedArgs as never[]))
  }

const group = (parent: Command, name: string, description: string): Command =>
  parent.command(name).description(description)

const registerParty = (program: Command): void => {
  const party = group(program, 'party', 'the keys of this party')
  examples(
    party
      .command('init')
      .description('make the keys of a party, and identity.json to send to partners')
      .requiredOption('--name <name>', 'the name that partners and auditors read')
      .addOption(homeOption())
      .action(lazily(async () => (await import('./commands/party.ts')).init)),
    'tally party init --name "Bank A" --home bank-a',
  )
  examples(
    party
      .command('show')
      .description('show the identity and its fingerprints, to be compared over the telephone')
      .argument('[file]', "a partner's identity.json; this party's own where left out")
      .addOption(homeOption())
      .action(lazily(async () => (await import('./commands/party.ts')).show)),
    'tally party show --home bank-a',
    'tally party show identity-of-bank-b.json',
  )
  const auditor = group(program, 'auditor', 'the key that evidence is sealed to')
  examples(
    auditor
      .command('init')
      .description("make an auditor's key, and auditor.json to send to the parties")
      .requiredOption('--name <name>', 'the name that stands in the terms')
      .addOption(homeOption())
      .action(lazily(async () => (await import('./commands/auditor.ts')).init)),
    'tally auditor init --name "Audit office" --home audit',
  )
}

const registerData = (program: Command): void => {
  const data = group(program, 'data', 'the lists of this party')
  examples(
    data
      .command('declare')
      .description('check a list and write declaration.json: what of it enters, for whoever writes the terms')
      .argument('[list]', 'the list (.csv, .parquet) or table, columns named on line 1; none: the party only computes')
      .option('--column <name>', 'of a list: the column of ids; once more for each of several that make one', each)
      .option('--table <columns.json>', 'of a table: its columns with types and ranges (docs/statistics.md)')
      .option('--normalisation <name>', 'what counts as equal (default: trim/1), for all or each; docs/data.md', each)
      .addOption(
        new Option('--duplicates <rule>', 'what happens to repeated ids')
          .choices(['refuse', 'keep-first', 'count'])
          .default('refuse'),
      )
      .option('--value <column>', 'of a list: numbers to be added up over what is common')
      .option('--maximum <number>', 'the largest that such a number can be; it is told to the partner')
      .option('--decimals <n>', 'digits after the point of such numbers (default: 0)')
      .option('--source <text>', 'what the list is, for whoever approves the terms (default: the name of the file)')
      .addOption(encodingOption())
      .addOption(homeOption())
      .action(lazily(async () => (await import('./commands/data.ts')).declare)),
    'tally data declare list.csv --column "ID number" --normalisation resident-id/1 --home bank-a',
    'tally data declare export.csv --column phone --normalisation phone/1 --encoding gb18030',
    'tally data declare people.parquet --column name --column born --normalisation text/1 --normalisation trim/1',
    'tally data declare loans.csv --table columns.json --home bank-b',
  )
  examples(
    data
      .command('budget')
      .description(
        'what figures with noise may tell of a table in all (differential privacy); without --epsilon: show it',
      )
      .option('--source <name>', 'the table, by its source as it was declared')
      .option('--epsilon <number>', 'the budget; what was spent stays spent')
      .option('--delta <number>', 'the probability that goes with it', '1e-6')
      .addOption(homeOption())
      .action(lazily(async () => (await import('./commands/data.ts')).budget)),
    'tally data budget --source loans.csv --epsilon 2 --home bank-b',
    'tally data budget --home bank-b',
  )
}

const registerTerms = (program: Command): void => {
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
            '--threshold, or none of the others',
        )
          .choices(['intersection', 'cardinality', 'sum', 'statistics', 'union', 'in-any', 'at-least', 'difference'])
          .default('intersection'),
      )
      .addOption(new Option('--to <who>', 'who learns it').choices(['receiver', 'both']).default('receiver'))
      .option('--threshold <lists>', 'with at-least: on how many of the other lists')
      .option('--id-bytes <n>', 'with union: no id of the sender is longer (default: 31)')
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
      .action(lazily(async () => (await import('./commands/terms.ts')).create)),
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
      .action(lazily(async () => (await import('./commands/terms.ts')).show)),
    'tally terms show terms.json',
    'tally terms show terms.json --json',
  )
  examples(
    terms
      .command('approve')
      .description('sign the terms as the party of this home, after it has seen them')
      .argument('<terms.json>')
      .addOption(homeOption())
      .action(lazily(async () => (await import('./commands/terms.ts')).approve)),
    'tally terms approve terms.json --home bank-a',
  )
}

const registerList = (program: Command): void => {
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
      .action(lazily(async () => (await import('./commands/list.ts')).prepare)),
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
      .action(lazily(async () => (await import('./commands/list.ts')).update)),
    'tally list update blacklist.csv --list prepared-list --home bank-b',
  )
  examples(
    list
      .command('check')
      .description('evaluate a whole list again: whether the prepared one is of it, also for an auditor who has both')
      .argument('<list>', 'the whole list')
      .addOption(listOption())
      .addOption(encodingOption())
      .action(lazily(async () => (await import('./commands/list.ts')).check)),
    'tally list check blacklist.csv --list prepared-list',
  )
  examples(
    list
      .command('apply')
      .description("apply a holder's update to the copy of the filter")
      .argument('<update>', 'the next update, in order')
      .requiredOption('--filter <file>', 'the copy')
      .action(lazily(async () => (await import('./commands/list.ts')).apply)),
    'tally list apply updates/2 --filter filter-of-bank-b',
  )
}

const registerRun = (program: Command): void => {
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
      .action(lazily(async () => (await import('./commands/psi.ts')).run)),
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
      .action(lazily(async () => (await import('./commands/receipts.ts')).anchorReceipts)),
    'tally psi anchor --home bank-a --chain chain.json',
  )
  examples(
    psi
      .command('anchored')
      .description('check that a chain has a receipt; its receipt-anchor.json lies beside it')
      .argument('<receipt.json>')
      .requiredOption('--chain <chain.json>', 'the chain')
      .action(lazily(async () => (await import('./commands/receipts.ts')).checkReceipt)),
    'tally psi anchored receipt.json --chain chain.json',
  )
}

const registerStatistics = (program: Command): void => {
  const stats = group(program, 'stats', 'statistics over the tables of three parties')
  examples(
    stats
      .command('plan')
      .description('write terms from an analysis and the declarations of the parties, and explain them')
      .argument('<analysis>', 'a module whose default export is analyse(...), or such a plan as JSON')
      .requiredOption(
        '--party <table.json...>',
        'the declarations of p0, p1 and p2, who compute, then of further owners of tables',
      )
      .requiredOption('--auditor <auditor.json>', 'who may replay the evidence of p0')
      .requiredOption('--purpose <text>', 'what the figures are for')
      .option('--days <n>', 'days until the terms expire', '30')
      .option('--chain <chain.json>', 'the chain that records it (default: none)')
      .option('--out <file>', 'where to write them', 'terms.json')
      .action(lazily(async () => (await import('./commands/stats.ts')).plan)),
    'tally stats plan analysis.ts --party a/table.json b/table.json c/table.json \\\n' +
      '      --auditor audit/auditor.json --purpose "Income and default of shared customers"',
  )
  examples(
    stats
      .command('run')
      .description('run approved terms with the partners; run it again after a crash and it goes on where it was')
      .requiredOption('--terms <terms.json>', 'terms that all parties approved')
      .option('--input <table.csv>', 'the table that was declared')
      .option('--table <table.json>', 'its declaration (default: table.json of the home)')
      .option('--listen <[host:]port>', 'wait here for the partners that are not dialled')
      .option('--connect <role=host:port...>', 'go to a partner there')
      .option('--explain', 'say first what the run costs and what everybody learns')
      .option('--dry-run', 'check and explain everything, use no network')
      .option('--chain <chain.json>', 'record it on this chain (default: chain.json of the home, if there)')
      .addOption(encodingOption())
      .addOption(homeOption())
      .action(lazily(async () => (await import('./commands/stats.ts')).run)),
    'tally stats run --terms terms.json --input loans.csv --home bank-a --listen 7443 --explain',
    'tally stats run --terms terms.json --input cards.csv --home bank-b --listen 7443 \\\n' +
      '      --connect p0=bank-a.example:7443',
    'tally stats run --terms terms.json --home office --connect p0=bank-a.example:7443 p1=bank-b.example:7443',
  )
}

const registerScoring = (program: Command): void => {
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
      .action(lazily(async () => (await import('./commands/homomorphic.ts')).terms)),
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
      .action(lazily(async () => (await import('./commands/homomorphic.ts')).run)),
    'tally score run --terms terms.json --input features.csv --home clinic --listen 7443 --explain',
    'tally score run --terms terms.json --input model.csv --home bank --connect clinic.example:7443',
  )
}

const registerEncrypted = (program: Command): void => {
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
      .option('--days <n>', 'days until the terms expire', '30')
      .option('--chain <chain.json>', 'the chain that records it (default: none)')
      .option('--out <file>', 'where to write them', 'terms.json')
      .action(lazily(async () => (await import('./commands/encrypted.ts')).terms)),
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
      .action(lazily(async () => (await import('./commands/encrypted.ts')).run)),
    'tally encrypted run --terms terms.json --home office --listen 7443 --explain',
    'tally encrypted run --terms terms.json --home cloud --listen 7443 --connect receiver=office.example:7443',
    'tally encrypted run --terms terms.json --input incomes.csv --home bank-a \\\n' +
      '      --connect receiver=office.example:7443 compute=cloud.example:7443',
  )
}

const registerLookup = (program: Command): void => {
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
      .action(lazily(async () => (await import('./commands/lookup.ts')).terms)),
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
      .action(lazily(async () => (await import('./commands/lookup.ts')).run)),
    'tally lookup run --terms terms.json --input variants.tsv --home clinic --listen 7443 --explain',
    'tally lookup run --terms terms.json --input table.tsv --home provider --connect clinic.example:7443',
  )
}

const registerAudit = (program: Command): void => {
  examples(
    program
      .command('verify')
      .description('check a record: who signed what, and whether all of it fits together')
      .argument('<record.json>')
      .option(
        '--trust <file...>',
        'identity.json of each party, or a list of them; obtained other than from the record',
      )
      .option('--chain <chain.json>', 'compare with what this chain has')
      .option('--rpc <url>', 'another node of that chain than chain.json names')
      .addOption(expectOption(['well-formed', 'recorded', 'consistent'], 'consistent'))
      .action(lazily(async () => (await import('./commands/verify.ts')).verifyFile)),
    'tally verify record.json --trust identity-a.json identity-b.json',
    'tally verify record.json --trust trust.json --chain chain.json --rpc http://127.0.0.1:8545',
  )
  examples(
    program
      .command('replay')
      .description('run the evidence of one party again: it must yield the frames and the result that were attested')
      .argument('<record.json>')
      .argument('<evidence.age>')
      .requiredOption('--key <auditor.key>', 'the key that the evidence is sealed to')
      .option(
        '--trust <file...>',
        'identity.json of each party, or a list of them; obtained other than from the record',
      )
      .option('--chain <chain.json>', 'compare with what this chain has')
      .option('--rpc <url>', 'another node of that chain than chain.json names')
      .addOption(
        new Option('--reference <part>', 'kernel calls to compute again with the reference implementation')
          .choices(['sample', 'all'])
          .default('sample'),
      )
      .addOption(expectOption(['well-formed', 'recorded', 'consistent', 'replayed'], 'replayed'))
      .action(lazily(async () => (await import('./commands/replay.ts')).replayFile)),
    'tally replay record.json evidence.age --key audit/auditor.key --trust trust.json',
  )
}

const registerErase = (program: Command): void => {
  examples(
    program
      .command('erase')
      .description('erase journals and evidence of jobs whose retention date has passed; nothing does it by itself')
      .option('--dry-run', 'say what would be erased')
      .addOption(homeOption())
      .action(lazily(async () => (await import('./commands/erase.ts')).erase)),
    'tally erase --home bank-a --dry-run',
    'tally erase --home bank-a',
  )
}

const registerLocal = (program: Command): void => {
  const chain = group(program, 'chain', 'a chain for trying out')
  examples(
    chain
      .command('start')
      .description('start a local chain in memory, deploy the contracts, write chain.json, run until interrupted')
      .option('--port <n>', 'port on 127.0.0.1', '8545')
      .option('--out <file>', 'where to write the addresses', 'chain.json')
      .action(lazily(async () => (await import('./commands/chain.ts')).start)),
    'tally chain start',
  )
  examples(
    chain
      .command('register')
      .description('enter parties and their signing keys into the registry of a chain, as its registrar')
      .argument('<identity.json...>')
      .option('--chain <chain.json>', 'the chain', 'chain.json')
      .action(lazily(async () => (await import('./commands/chain.ts')).register)),
    'tally chain register bank-a/identity.json bank-b/identity.json',
  )
  examples(
    program
      .command('demo')
      .description('two banks, one blacklist, one attested answer: the whole way, on this machine')
      .option('--statistics', 'three companies and their figures instead')
      .option('--rare-disease', 'a clinic that looks up variants in a table instead')
      .option('--keep <folder>', 'where to put the files (default: a new temporary folder, which stays)')
      .action(lazily(async () => (await import('./commands/demo.ts')).demo)),
    'tally demo',
    'tally demo --statistics',
    'tally demo --rare-disease',
    'tally demo --json',
  )
}

export const registerCommands = (program: Command): Command => {
  program
    .name('tally')
    .description('Computation over data that nobody shows, with evidence that an auditor can replay.')
    .option('-V, --version', 'version, and the digest of the code that computes')
    .action(async (options: { readonly version?: true }, command: Command) => {
      if (options.version === true) return (await import('./commands/version.ts')).version(outputOf(command))
      const [unknown] = command.args
      if (unknown === undefined) command.outputHelp({ error: true })
      throw new TallyError(
        'api/usage',
        'self',
        unknown === undefined ? 'expected a command' : `unknown command '${unknown}'`,
        { remedy: 'see tally --help' },
      )
    })
    .option('--json', 'one JSON object a line on stdout')
    .option('--debug', 'with a failure, show where in the code it came from')
    .configureHelp({ showGlobalOptions: true, helpWidth: 110 })
    // Failures are told in our own words (main.ts); help that was asked for by saying nothing is still shown.
    .configureOutput({ outputError: () => {} })
    .exitOverride()
  registerParty(program)
  registerData(program)
  registerTerms(program)
  registerList(program)
  registerRun(program)
  registerQuery(group(program, 'query', "a row of a partner's list, without telling which"), {
    ...{ examples, homeOption, encodingOption, lazily },
  })
  registerStatistics(program)
  registerScoring(program)
  registerEncrypted(program)
  registerLookup(program)
  registerAudit(program)
  registerErase(program)
  registerLocal(program)
  examples(program, 'tally demo', 'tally psi run --help')
  // After the commands, which would inherit it: an unknown command is told in our words, a stray argument is refused.
  return program.allowExcessArguments()
}
