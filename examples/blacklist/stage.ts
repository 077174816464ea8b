/** Where the demo tells its story: numbered steps, and what belongs to each. */
import { relative } from 'node:path'
import type { Output } from '@tallystick/cli'
import { TallyError } from '@tallystick/core'
import type { Scene } from './bank.ts'
import type { Commands } from './processes.ts'

export interface Stage {
  readonly output: Output
  readonly commands: Commands
  readonly scene: Scene
  step(title: string): void
  tell(text: string): void
  /** A path as seen from the folder of the demo. */
  shown(path: string): string
}

export const createStage = (output: Output, commands: Commands, scene: Scene): Stage => {
  let number = 0
  return {
    output,
    commands,
    scene,
    step(title) {
      number += 1
      output.report({ event: 'step', number, title }, `\n${output.style('bold', `${number}. ${title}`)}`)
    },
    tell: (text) => output.say(`   ${text.replaceAll('\n', '\n   ')}`),
    shown: (path) => relative(scene.folder, path),
  }
}

/**
 * Work that is under way before the story comes to it: there is more than one core, and one order to tell things in.
 * Whoever awaits it is told of its failure.
 */
export const begun = <T>(work: Promise<T>): Promise<T> => {
  work.catch(() => {})
  return work
}

/** @throws TallyError invariant/broken: the demo checks itself, and a wrong answer is never shown as a right one */
export const requireThat = (condition: boolean, what: string): void => {
  if (condition) return
  throw new TallyError('invariant/broken', 'self', `the demo came out wrong: ${what}`, {
    remedy: 'report this as a defect of Tallystick, with the folder of the demo',
  })
}
