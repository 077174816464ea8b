/** Parses a command line, does it, and tells failures; each command's code is loaded when it is called. */
import { Command, CommanderError } from 'commander'
import { TallyError } from '@tallystick/core'
import { registerCommands } from './program.ts'
import { reportFailure } from './output.ts'

/** What commander refuses, in our words and with our exit code; help and version are no failure. */
const usage = (error: CommanderError): TallyError | undefined => {
  if (error.exitCode === 0) return undefined
  const message = error.code === 'commander.help' ? 'expected a command' : error.message.replace(/^error: /, '')
  return new TallyError('api/usage', 'self', message, {
    remedy: 'see tally --help, or the --help of the command',
  })
}

/** @returns the exit code: 0, or that of the area of the error */
export const runTally = async (argv: readonly string[]): Promise<number> => {
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
  try {
    await registerCommands(new Command()).parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    const failure = error instanceof CommanderError ? usage(error) : error
    return failure === undefined ? 0 : reportFailure(failure, own.includes('--json'), own.includes('--debug'))
  }
}
