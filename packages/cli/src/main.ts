#!/usr/bin/env node
/** The `tally` command. Says what there is; each command's code is loaded when it is called. */
import { Command, CommanderError } from 'commander'
import { TallyError } from '@tallystick/core'
import { registerCommands } from './program.ts'
import { reportFailure } from './output.ts'

const argv = process.argv.slice(2)
const before = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
const json = before.includes('--json')
const debug = before.includes('--debug')

const program = registerCommands(new Command())

/** What commander refuses, in our words and with our exit code; help and version are no failure. */
const usage = (error: CommanderError): TallyError | undefined => {
  if (error.exitCode === 0) return undefined
  const message = error.code === 'commander.help' ? 'expected a command' : error.message.replace(/^error: /, '')
  return new TallyError('api/usage', 'self', message, {
    remedy: 'see tally --help, or the --help of the command',
  })
}

try {
  await program.parseAsync(argv, { from: 'user' })
} catch (error) {
  const failure = error instanceof CommanderError ? usage(error) : error
  if (failure !== undefined) process.exitCode = reportFailure(failure, json, debug)
}
