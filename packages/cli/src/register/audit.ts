/** `tally verify`, `tally replay`, `tally chain` and `tally demo`: commands, options and help. */
import { Option, type Command } from 'commander'
import { examples, expectOption, group, lazily } from './options.ts'

export const registerAudit = (program: Command): void => {
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
      .action(lazily(async () => (await import('../commands/verify.ts')).verifyFile)),
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
      .option(
        '--table <folder>',
        'of a holder of a query whose evidence names its matrix by a digest: the table, or matrix.bin',
      )
      .addOption(expectOption(['well-formed', 'recorded', 'consistent', 'replayed'], 'replayed'))
      .action(lazily(async () => (await import('../commands/replay.ts')).replayFile)),
    'tally replay record.json evidence.age --key audit/auditor.key --trust trust.json',
  )
}

export const registerLocal = (program: Command): void => {
  const chain = group(program, 'chain', 'a chain for trying out')
  examples(
    chain
      .command('start')
      .description('start a local chain in memory, deploy the contracts, write chain.json, run until interrupted')
      .option('--port <n>', 'port on 127.0.0.1', '8545')
      .option('--out <file>', 'where to write the addresses', 'chain.json')
      .action(lazily(async () => (await import('../commands/chain.ts')).start)),
    'tally chain start',
  )
  examples(
    chain
      .command('register')
      .description('enter parties and their signing keys into the registry of a chain, as its registrar')
      .argument('<identity.json...>')
      .option('--chain <chain.json>', 'the chain', 'chain.json')
      .action(lazily(async () => (await import('../commands/chain.ts')).register)),
    'tally chain register bank-a/identity.json bank-b/identity.json',
  )
  examples(
    program
      .command('demo')
      .description('two banks, one blacklist, one attested answer: the whole way, on this machine')
      .option('--statistics', 'three companies and their figures instead')
      .option('--rare-disease', 'a clinic that looks up variants in a table instead')
      .option('--keep <folder>', 'where to put the files (default: a new temporary folder, which stays)')
      .action(lazily(async () => (await import('../commands/demo.ts')).demo)),
    'tally demo',
    'tally demo --statistics',
    'tally demo --rare-disease',
    'tally demo --json',
  )
}
