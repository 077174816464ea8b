/** The commands, their options and help. The code behind each is imported when it is called. */
import type { Command } from 'commander'
import { TallyError } from '@tallystick/core'
import { registerAudit, registerLocal } from './register/audit.ts'
import { registerEncrypted, registerLookup, registerScoring } from './register/encrypted.ts'
import { registerData, registerErase, registerParty } from './register/parties.ts'
import { registerList, registerRun, registerTerms } from './register/sets.ts'
import { registerStatistics } from './register/shares.ts'
import { examples, group, outputOf } from './register/options.ts'
import { registerQuery } from './register/query.ts'

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
  registerQuery(group(program, 'query', "a row of a partner's list, without telling which"))
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
