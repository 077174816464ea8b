/**
 * Two banks, one blacklist, one attested answer. Everything that happens here happens through `tally` commands, each a
 * process of its own. This file starts them (side by side where none needs the other), tells of them in the order of the
 * story, shows what each side sees, and checks the results against the truth.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { stopSignal, type Output } from '@tallystick/cli'
import { TallyError } from '@tallystick/core'
import { agreeAgain, audit, crash, forge, replayForged } from './acts-audit.ts'
import { declare, intersect, setUp, writeTerms } from './acts-run.ts'
import { sceneIn } from './bank.ts'
import { createCommands } from './processes.ts'
import { begun, createStage } from './stage.ts'

export const runDemo = async (output: Output, folder?: string): Promise<void> => {
  const start = performance.now()
  output.say(output.style('bold', 'Two banks, one blacklist: which customers have both blacklisted?'))
  const place = folder === undefined ? await mkdtemp(join(tmpdir(), 'tallystick-demo-')) : resolve(folder)
  const commands = createCommands()
  const stop = stopSignal()
  const stopped = new Promise<never>((_, reject) => {
    stop.addEventListener('abort', () => {
      const remedy = 'nothing is left running; start it again whenever you like'
      reject(new TallyError('session/cancelled', 'self', 'the demo was interrupted', { remedy }))
    })
  })
  const scene = sceneIn(place)
  const stage = createStage(output, commands, scene)
  const story = async (): Promise<void> => {
    const scenery = await setUp(stage)
    await declare(stage, scenery)
    await writeTerms(stage, scenery)
    const truth = await scenery.truth
    const results = await intersect(stage, scenery.terms, truth)
    const replayed = begun(replayForged(stage, results))
    const agreed = begun(agreeAgain(stage))
    await audit(stage, results)
    await forge(stage, replayed)
    await crash(stage, agreed, truth)
  }
  try {
    await Promise.race([story(), stopped])
  } finally {
    await commands.endAll()
  }
  const seconds = (performance.now() - start) / 1000
  output.report(
    { event: 'demo', ok: true, folder: place, seconds },
    `\n${output.style('green', 'All as it should be')}, in ${seconds.toFixed(1)} s. Everything is in ${place}`,
  )
}
