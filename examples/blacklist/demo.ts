/**
 * Two banks, one blacklist, one attested answer. Everything that happens here happens through `tally` commands, each a
 * process of its own; this file calls them in order, shows what each side sees, and checks the results against the truth.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { stopSignal, type Output } from '@tallystick/cli'
import { TallyError } from '@tallystick/core'
import { audit, crash, forge } from './acts-audit.ts'
import { declare, intersect, setUp, writeTerms } from './acts-run.ts'
import { sceneIn } from './bank.ts'
import { createCommands } from './processes.ts'
import { createStage } from './stage.ts'
import { plainIntersection } from './truth.ts'

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
    const expected = await setUp(stage)
    const truth = await plainIntersection(scene, expected)
    await declare(stage, expected)
    const terms = await writeTerms(stage)
    const results = await intersect(stage, terms, truth)
    await audit(stage, results)
    await forge(stage, results)
    await crash(stage, truth)
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
