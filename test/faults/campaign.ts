/**
 * `npm run faults`: kills, power losses, restored backups and a chain that is down, over real `tally psi run` processes.
 * See docs/faults.md. Ends with exit code 1 if anything came out otherwise than it must; the folder then stays.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chainScenarios } from './chains.ts'
import { calibrate, carryOut, count, plansOf, type Fate } from './kills.ts'
import { createRandom } from './random.ts'
import { rewindScenarios, type Scenario } from './rewinds.ts'
import { makeScene, type Scene } from './scene.ts'

const parts = ['kills', 'rewinds', 'chains'] as const
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string', default: '50' },
    records: { type: 'string', default: '600' },
    // Enough for messages that the journal keeps apart (64 KiB).
    'rewind-records': { type: 'string', default: '3000' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const wanted = parts.filter((part) => values.only === undefined || values.only.split(',').includes(part))
if (values.help || wanted.length === 0) {
  process.stdout.write(
    'usage: npm run faults -- [--seed <text>] [--runs <n>] [--records <n>] [--rewind-records <n>] [--only kills,rewinds,chains] [--json]\n',
  )
  process.exit(values.help ? 0 : 64)
}
const seed = values.seed ?? randomBytes(6).toString('hex')
const runs = Number(values.runs)
const random = createRandom(seed)

const report = (event: Readonly<Record<string, unknown>>, text: string): void =>
  void process.stdout.write(`${values.json ? JSON.stringify(event) : text}\n`)
const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`

const killAll = async (scene: Scene): Promise<number> => {
  const timing = await calibrate(scene)
  const { a, b } = timing
  const told = `An undisturbed run: ${seconds(a.end)} and ${seconds(b.end)}, ${seconds(a.network)} before the network\n`
  report({ event: 'calibrated', ...timing }, told)
  const fates: Fate[] = []
  for (const [i, plan] of plansOf(runs, random).entries()) {
    const fate = await carryOut(scene, plan, timing)
    fates.push(fate)
    const kills = fate.kills.map(({ side, phase, synced }) => `${side} ${phase}${synced ? '' : ' (terms not synced)'}`)
    const why = fate.why.length === 0 ? '' : `: ${fate.why.join('; ')}`
    report(
      { event: 'run', number: i + 1, ...fate },
      `${String(i + 1).padStart(3)} ${fate.outcome.padEnd(11)} ${plan.name.padEnd(44)} killed: ${kills.join(', ')}` +
        ` ${seconds(fate.milliseconds)}${why}`,
    )
  }
  const { byPhase, ...counts } = count(fates)
  const table = [...byPhase].map(
    ([phase, { resumed, 'clean abort': aborted, defect }]) =>
      `  ${phase.padEnd(12)} ${String(resumed + aborted + defect).padStart(5)} ${String(resumed).padStart(8)} ` +
      `${String(aborted).padStart(12)} ${String(defect).padStart(8)}`,
  )
  report(
    { event: 'kills', runs: fates.length, ...counts, byPhase: Object.fromEntries(byPhase) },
    [
      '',
      `  ${'killed in'.padEnd(12)} kills  resumed  clean abort  defects`,
      ...table,
      `${fates.length} runs, ${counts.kills} kills, ${counts.synced} of them after both sides had synced the terms`,
      `resumed: ${counts.resumed}`,
      `clean aborts before terms were synced: ${counts.cleanAborts}`,
      `defects: ${counts.defects}`,
    ].join('\n'),
  )
  return counts.defects
}

const playAll = async (part: string, scenarios: readonly Scenario[], scene: Scene): Promise<number> => {
  let failed = 0
  for (const { name, play } of scenarios) {
    const began = performance.now()
    let outcome: string
    let ok = true
    try {
      outcome = await play(scene)
    } catch (error) {
      ok = false
      failed++
      outcome = error instanceof Error ? error.message : String(error)
    }
    const took = performance.now() - began
    report(
      { event: 'scenario', part, name, ok, outcome, milliseconds: took },
      `${ok ? 'ok    ' : 'FAILED'} ${name}: ${outcome} (${seconds(took)})`,
    )
  }
  return failed
}

const folder = await mkdtemp(join(tmpdir(), 'tallystick-faults-'))
report({ event: 'campaign', seed, runs, folder }, `Seed ${seed}; folder ${folder}`)
const scene = await makeScene(folder, Number(values.records))
let failed = 0
if (wanted.includes('kills')) failed += await killAll(scene)
if (wanted.includes('rewinds')) {
  const large = join(folder, 'rewinds')
  await mkdir(large)
  failed += await playAll('rewinds', rewindScenarios(random), await makeScene(large, Number(values['rewind-records'])))
}
if (wanted.includes('chains')) failed += await playAll('chains', chainScenarios, scene)
const verdict = failed === 0 ? 'All as it must be.' : `${failed} came out otherwise than they must; see ${folder}`
report({ event: 'end', ok: failed === 0, failed, seed }, `\n${verdict} Seed ${seed}.`)
if (failed === 0) await rm(folder, { recursive: true })
process.exitCode = failed === 0 ? 0 : 1
