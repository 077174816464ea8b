/** `tally party`, `tally auditor`, `tally data` and `tally erase`: commands, options and help. */
import { Option, type Command } from 'commander'
import { each, encodingOption, examples, group, homeOption, lazily } from './options.ts'

export const registerParty = (program: Command): void => {
  const party = group(program, 'party', 'the keys of this party')
  examples(
    party
      .command('init')
      .description('make the keys of a party, and identity.json to send to partners')
      .requiredOption('--name <name>', 'the name that partners and auditors read')
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/party.ts')).init)),
    'tally party init --name "Bank A" --home bank-a',
  )
  examples(
    party
      .command('show')
      .description('show the identity and its fingerprints, to be compared over the telephone')
      .argument('[file]', "a partner's identity.json; this party's own where left out")
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/party.ts')).show)),
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
      .action(lazily(async () => (await import('../commands/auditor.ts')).init)),
    'tally auditor init --name "Audit office" --home audit',
  )
}

export const registerData = (program: Command): void => {
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
      .action(lazily(async () => (await import('../commands/data.ts')).declare)),
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
      .option('--input <file>', 'its file, which spends of this budget under every name')
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/data.ts')).budget)),
    'tally data budget --source loans.csv --epsilon 2 --input loans.csv --home bank-b',
    'tally data budget --home bank-b',
  )
}

export const registerErase = (program: Command): void => {
  examples(
    program
      .command('erase')
      .description('erase journals and evidence of jobs whose retention date has passed; nothing does it by itself')
      .option('--dry-run', 'say what would be erased')
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/erase.ts')).erase)),
    'tally erase --home bank-a --dry-run',
    'tally erase --home bank-a',
  )
}
