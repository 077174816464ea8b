/** `tally query …`: commands, options and help. */
import { Option, type Command } from 'commander'
import { encodingOption, examples, homeOption, lazily } from './options.ts'

const tableOption = (): Option =>
  new Option('--table <folder>', 'the folder of the table at its holder').default('query-table')

const registerHolder = (query: Command): void => {
  examples(
    query
      .command('build')
      .description('seal a list so that it can be asked without telling its holder what; goes on where it was stopped')
      .argument('<list.csv>', 'the list, with the names of the columns as its first line')
      .requiredOption('--column <name>', 'the column of ids')
      .option('--values <names>', 'columns that an asker is told of its row, with commas (default: all others)')
      .option('--normalisation <name>', 'what counts as equal; docs/data.md has them all', 'trim/1')
      .addOption(
        new Option('--duplicates <rule>', 'what happens to repeated ids')
          .choices(['refuse', 'keep-first'])
          .default('refuse'),
      )
      .addOption(
        new Option('--mode <how>', 'ship all rows sealed, or retrieve them by PIR; members: only who is on the list')
          .choices(['auto', 'list', 'pir', 'members'])
          .default('auto'),
      )
      .option('--row-bytes <n>', 'room for the values of a row (default: what the longest takes)')
      .addOption(
        new Option(
          '--commit <to>',
          'what its evidence holds: all lines of the matrix, or its digest, and a replay brings the table (from 1 GiB on)',
        )
          .choices(['auto', 'lines', 'digest'])
          .default('auto'),
      )
      .option('--source <text>', 'what the list is, for whoever asks it (default: the name of the file)')
      .addOption(encodingOption())
      .addOption(tableOption())
      .action(lazily(async () => (await import('../commands/query.ts')).build)),
    'tally query build blacklist.csv --column "ID number" --normalisation resident-id/1 --table blacklist',
  )
  examples(
    query
      .command('update')
      .description('make a new version of a table beside the one that is asked; askers follow by a small delta')
      .option('--changes <list.csv>', 'rows that are new or changed, with the columns of the list')
      .option('--remove <ids.csv>', 'ids that are no longer on the list')
      .addOption(encodingOption())
      .addOption(tableOption())
      .action(lazily(async () => (await import('../commands/query.ts')).update)),
    'tally query update --changes today.csv --remove cleared.csv --table blacklist',
  )
  examples(
    query
      .command('grant')
      .description('allow a party to ask: how many ids in all, until when and what for')
      .requiredOption('--asker <identity.json>', 'who may ask')
      .requiredOption('--quota <n>', 'ids in all; what was asked for stays counted when a grant is written again')
      .requiredOption('--purpose <text>', 'as the terms of each job must say')
      .option(
        '--tells <what...>',
        'what the asker may be told: which (the rows), or of several holders any, count, at-least-2 …',
        ['which'],
      )
      .option('--with <identity.json...>', 'where several are told together: all other holders, no fewer and no more')
      .option(
        '--holder-1 <identity.json...>',
        'who of all holders may be the first, which must not work with the asker',
      )
      .option('--days <n>', 'days until it ends', '90')
      .addOption(tableOption())
      .action(lazily(async () => (await import('../commands/query.ts')).grant)),
    'tally query grant --asker bank-a/identity.json --quota 10000 --purpose "Loan applications" --table blacklist',
    'tally query grant --asker bank-a/identity.json --quota 10000 --purpose "Loan applications" --table members \\\n' +
      '      --tells any --with bank-c/identity.json bank-d/identity.json --holder-1 bank-c/identity.json',
  )
}

const registerAsker = (query: Command): void => {
  examples(
    query
      .command('fetch')
      .description('take a version of a table over, checked against its description; by its delta where that fits')
      .argument('<folder>', 'the public folder of the version, as its holder sent it')
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/query.ts')).fetch)),
    'tally query fetch blacklist/versions/1/public --home bank-a',
  )
  examples(
    query
      .command('prepare')
      .description('make the part of queries that does not depend on what is asked, ahead of time, each for one use')
      .argument('<table.json>', 'the description of the table')
      .option('--count <n>', 'how many queries', '16')
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/query.ts')).prepare)),
    'tally query prepare blacklist/versions/1/public/table.json --count 100 --home bank-a',
  )
  examples(
    query
      .command('terms')
      .description('write terms of one job against one version of a table, or of the tables of 2 to 10 holders')
      .argument('<table.json...>', 'the descriptions of the versions')
      .requiredOption('--asker <identity.json>', 'the party that asks')
      .requiredOption('--holder <identity.json...>', 'the parties whose lists they are, in the same order')
      .requiredOption('--auditor <auditor.json>', 'who may replay the evidence of one party')
      .option('--audited <role>', 'whose: asker, holder, or of several holder-1 …', 'asker')
      .requiredOption('--purpose <text>', 'what the answers are for; the grant must say the same')
      .option('--queries <n>', 'ids asked for', '1')
      .option('--tells <what>', 'which (the rows of each), or any, count, at-least-2 … of tables of members', 'which')
      .option(
        '--prepared <root...>',
        'the root that "tally query prepare" printed, for each table that is asked by PIR, in their order',
      )
      .option('--days <n>', 'days until the terms expire', '1')
      .option('--chain <chain.json>', 'the chain that records it (default: none)')
      .option('--out <file>', 'where to write them', 'query.json')
      .action(lazily(async () => (await import('../commands/query-terms.ts')).queryTerms)),
    'tally query terms table.json --asker bank-a/identity.json --holder bank-b/identity.json \\\n' +
      '      --auditor audit/auditor.json --purpose "Loan applications" --queries 1 --prepared 0x…',
    'tally query terms b/table.json c/table.json --tells any --asker bank-a/identity.json \\\n' +
      '      --holder bank-b/identity.json bank-c/identity.json --auditor audit/auditor.json \\\n' +
      '      --purpose "Loan applications"',
  )
  examples(
    query
      .command('run')
      .description('ask, or answer, under approved terms; run it again after a crash and it goes on where it was')
      .requiredOption('--terms <terms.json>', 'terms that all parties approved')
      .option('--id <id...>', 'asker: what to ask for')
      .option('--input <ids.csv>', 'asker: a list of ids, in a column named as the holder names it')
      .option('--table <folder>', 'holder: the folder of the table')
      .option('--listen <[host:]port>', 'wait here for the partners that are not dialled')
      .option('--connect <[role=]host:port...>', 'go to a partner there; its role is needed where there are several')
      .option('--wide', 'holder: scan by 32-byte vectors, which V8 has as an experiment (tested at the start)')
      .option('--explain', 'say first what the run costs, and what it rests on')
      .option('--dry-run', 'check everything, predict the traffic, use no network')
      .option('--chain <chain.json>', 'record this job by itself on a chain (default: later, with "anchor")')
      .addOption(encodingOption())
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/query.ts')).run)),
    'tally query run --terms query.json --table blacklist --home bank-b --listen 7443',
    'tally query run --terms query.json --id 11010519491231002X --home bank-a --connect bank-b.example:7443',
  )
}

const registerAnchoring = (query: Command): void => {
  examples(
    query
      .command('anchor')
      .description('record all queries of this home that no chain has yet, in one transaction')
      .option('--chain <chain.json>', 'the chain (default: chain.json of the home)')
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/query-anchor.ts')).anchorQueries)),
    'tally query anchor --chain chain.json --home bank-a',
  )
  examples(
    query
      .command('anchored')
      .description('check that a query is in a batch that the chain has')
      .argument('<record.json>', 'with anchor.json beside it')
      .requiredOption('--chain <chain.json>', 'the chain')
      .action(lazily(async () => (await import('../commands/query-anchor.ts')).checkAnchored)),
    'tally query anchored record.json --chain chain.json',
  )
}

export const registerQuery = (query: Command): void => {
  registerHolder(query)
  registerAsker(query)
  registerAnchoring(query)
}
