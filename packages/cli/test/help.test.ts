import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { registerCommands } from '../src/program.ts'

const program = registerCommands(new Command())

const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)]
const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`

/** What `--help` prints, with what is added after it. */
const helpOf = (command: Command): string => {
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part) })
  command.outputHelp()
  return text
}

describe('help', () => {
  for (const command of all(program)) {
    it(pathOf(command), () => expect(helpOf(command)).toMatchSnapshot())
  }

  it('shows an example of every command that does something', () => {
    for (const command of all(program)) {
      if (command.commands.length === 0) expect(helpOf(command), pathOf(command)).toMatch(/Examples:\n {2}\$ tally /)
    }
  })

  it('fits a terminal', () => {
    for (const command of all(program)) {
      for (const line of helpOf(command).split('\n')) expect(line.length, line).toBeLessThanOrEqual(112)
    }
  })
})
