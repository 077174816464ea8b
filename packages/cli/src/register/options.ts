/** What the commands share: options, help, and how an action is loaded and its output made. */
import { Option, type Command } from 'commander'
import { createOutput, type Output } from '../output.ts'

/** Help that ends in commands which work as they stand. */
export const examples = (command: Command, ...lines: readonly string[]): Command =>
  command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`)

/** An option that may be given several times. */
export const each = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
]

export const homeOption = (): Option =>
  new Option('--home <folder>', 'keys and jobs of this party').default('.tally').env('TALLY_HOME')
export const encodingOption = (): Option =>
  new Option('--encoding <name>', 'how the list is encoded')
    .choices(['utf-8', 'gb18030', 'big5', 'utf-16le'])
    .default('utf-8')

export const expectOption = (verdicts: readonly string[], usual: string): Option =>
  new Option('--expect <verdict>', 'end with an exit code other than 0 below it').choices(verdicts).default(usual)

/** Commander types no option; each action states the ones that its command declares here. */
type Action = (output: Output, options: never, ...operands: never[]) => Promise<void>

export const outputOf = (command: Command): Output => createOutput(command.optsWithGlobals()['json'] === true)

/** Loads the action and calls it with the output that the global options ask for. */
export const lazily =
  (load: () => Promise<Action>) =>
  async (...received: unknown[]): Promise<void> => {
    const command = received.at(-1) as Command
    const output = outputOf(command)
    const action = await load()
    await action(output, command.opts<never>(), ...(command.processedArgs as never[]))
  }

export const group = (parent: Command, name: string, description: string): Command =>
  parent.command(name).description(description)
