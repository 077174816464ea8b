/**
 * A clinic has the variants of a patient, a provider how often variants occur: the clinic learns that of its own, the
 * provider not which those are, and nobody else's row leaves the provider. Everything happens through `tally` commands,
 * each a process of its own; the answers are compared with the table.
 */
import { readFile, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { count, stopSignal, type Output } from '@tallystick/cli'
import { TallyError } from '@tallystick/core'
import { createCommands, type Commands, type Ended, type Event } from '../blacklist/processes.ts'
import { makePatient, makeTable, writeFiles, type Row, type Variant, type Written } from './generate.ts'

const rowCount = 2000
const [known, unknown] = [18, 6]

interface Stage {
  readonly output: Output
  readonly commands: Commands
  readonly folder: string
  step(title: string): void
  tell(text: string): void
}

const stageOf = (output: Output, commands: Commands, folder: string): Stage => {
  let number = 0
  return {
    ...{ output, commands, folder },
    step(title) {
      number += 1
      output.report({ event: 'step', number, title }, `\n${output.style('bold', `${number}. ${title}`)}`)
    },
    tell: (text) => output.say(`   ${text.replaceAll('\n', '\n   ')}`),
  }
}

/** @throws TallyError: a wrong answer is never shown as a right one */
const requireThat = (condition: boolean, what: string): void => {
  if (condition) return
  throw new TallyError('invariant/broken', 'self', `the example came out wrong: ${what}`, {
    remedy: 'report this as a defect of Tallystick, with the folder of the example',
  })
}

const field = <T>({ events }: Ended, event: string, name: string): T => {
  const found = events.find((each) => each.event === event)
  requireThat(found !== undefined, `there is no event "${event}"`)
  return found![name] as T
}

const setUp = async ({ commands, folder, step, tell }: Stage, table: readonly Row[], patient: readonly Variant[]) => {
  step('A clinic, a provider and an audit office')
  const [written] = await Promise.all([
    writeFiles(folder, table, patient),
    commands.run('party', 'init', '--name', 'Valley Clinic', '--home', join(folder, 'clinic')),
    commands.run('party', 'init', '--name', 'Gene Provider', '--home', join(folder, 'provider')),
    commands.run('auditor', 'init', '--name', 'Audit office', '--home', join(folder, 'audit')),
  ])
  tell(`Valley Clinic: ${count(patient.length)} variants of a patient. Gene Provider: ${count(table.length)} variants.`)
  return written
}

const columnsOf = (...names: readonly string[]): readonly string[] => [
  ...names.flatMap((name) => ['--column', name]),
  ...['--normalisation', 'variant/1'],
]

const declare = async ({ commands, folder, step, tell, output }: Stage, written: Written): Promise<void> => {
  step('Each checks its list, before any network')
  const clinic = [...columnsOf('#CHROM', 'POS', 'REF', 'ALT'), '--home', join(folder, 'clinic')]
  const refused = await commands.start('data', 'declare', written.spoiled, ...clinic).ended
  const error = refused.events.at(-1) as Event & { code?: string; message?: string }
  requireThat(refused.code !== 0 && error.code === 'input/invalid-value', 'the spoiled list was not refused')
  tell(`A structural variant is refused: ${output.style('red', error.code!)} ${error.message!.replace(/^[^:]*: /, '')}`)
  output.report({ event: 'refused', code: error.code! })
  const provider = [...columnsOf('chrom', 'pos', 'ref', 'alt'), '--home', join(folder, 'provider')]
  const declared = [
    await commands.run('data', 'declare', written.patient, ...clinic),
    await commands.run('data', 'declare', written.table, ...provider),
  ]
  requireThat(field<number>(declared[0]!, 'declared', 'rows') === known + unknown, 'the variants of the clinic')
  requireThat(field<number>(declared[1]!, 'declared', 'rows') === rowCount, 'the rows of the provider')
  tell('"chr" or none, small letters, bases in common: one form on both sides (variant/1)')
}

const agree = async ({ commands, folder, step, tell }: Stage): Promise<string> => {
  step('Both approve terms that say who learns what')
  const terms = join(folder, 'terms.json')
  const made = await commands.run(
    ...['lookup', 'terms', '--client', join(folder, 'clinic', 'declaration.json')],
    ...['--holder', join(folder, 'provider', 'declaration.json'), '--values', 'AC,AN,nhomalt,gene,consequence'],
    ...['--value-bytes', '56', '--purpose', 'How rare are the variants of a patient', '--out', terms],
    ...['--auditor', join(folder, 'audit', 'auditor.json')],
  )
  for (const party of ['clinic', 'provider']) {
    await commands.run('terms', 'approve', terms, '--home', join(folder, party))
  }
  const { bytes, degree } = field<{ bytes: { client: number; holder: number }; degree: number }>(made, 'terms', 'plan')
  tell(`BGV in degree ${degree}: ${((bytes.client + bytes.holder) / 1e6).toFixed(1)} MB, 128 bits of security`)
  return terms
}

const ask = async ({ commands, folder, step, tell }: Stage, { table, patient }: Written, terms: string) => {
  step('They compute, each in its own process, over mutual TLS')
  const run = (home: string, input: string, ...more: readonly string[]) =>
    commands.start('lookup', 'run', '--terms', terms, '--input', input, '--home', join(folder, home), ...more)
  const start = performance.now()
  const clinic = run('clinic', patient, '--listen', '127.0.0.1:0')
  const { port } = await clinic.first('listening')
  const provider = run('provider', table, '--connect', `127.0.0.1:${String(port)}`)
  const [ended] = await Promise.all([clinic.finish(), provider.finish()])
  tell(`Processes ${clinic.pid} and ${provider.pid}; ${((performance.now() - start) / 1000).toFixed(1)} s`)
  return ended
}

interface Answer {
  readonly key: string
  readonly status: string
  readonly row?: Readonly<Record<string, string>>
}

const keyOf = ({ chromosome, position, reference, alternative }: Variant): string =>
  `${chromosome}:${position}:${reference}:${alternative}`

const compare = async (
  { step, tell, output }: Stage,
  ended: Ended,
  table: readonly Row[],
  patient: readonly Variant[],
) => {
  step('What the clinic learned, beside the table')
  const answers = JSON.parse(await readFile(field<string>(ended, 'result', 'file'), 'utf8')) as readonly Answer[]
  const held = new Map(table.map((row) => [keyOf(row), row]))
  requireThat(answers.length === patient.length, 'an answer for each variant')
  for (const each of patient) {
    const [answer, row] = [answers.find(({ key }) => key === keyOf(each)), held.get(keyOf(each))]
    requireThat(answer?.status === (row === undefined ? 'absent' : 'found'), keyOf(each))
    if (row === undefined) continue
    const told = [row.alleleCount, row.alleleNumber, row.homozygotes].map(String)
    const cells = ['AC', 'AN', 'nhomalt', 'gene', 'consequence'].map((name) => answer!.row![name])
    requireThat(cells.join() === [...told, row.gene, row.consequence].join(), keyOf(each))
  }
  for (const { key, row } of answers.filter(({ row }) => row !== undefined && Number(row['AC']) < 10).slice(0, 4)) {
    tell(`${key.padEnd(22)} ${row!['AC']} of ${row!['AN']} alleles, ${row!['gene']}, ${row!['consequence']}`)
  }
  const found = answers.filter(({ status }) => status === 'found').length
  tell(
    `${found} of ${answers.length} are in the table, each as it stands there; of the others the clinic learns no more`,
  )
  output.report({ event: 'answers', found, keys: answers.length, correct: true })
}

const audit = async ({ commands, folder, step, tell, output }: Stage, ended: Ended): Promise<void> => {
  step('The audit office checks the record, and replays the evidence of the clinic')
  const trust = ['--trust', ...['clinic', 'provider'].map((party) => join(folder, party, 'identity.json'))]
  const record = field<string>(ended, 'record', 'file')
  const evidence = join(dirname(record), 'evidence.age')
  const key = ['--key', join(folder, 'audit', 'auditor.key')]
  const verified = await commands.run('verify', record, ...trust)
  const replayed = await commands.run('replay', record, evidence, ...key, ...trust)
  for (const [what, told, wanted] of [
    ['verify', verified, 'consistent'],
    ['replay', replayed, 'replayed'],
  ] as const) {
    const verdict = field<string>(told, 'audit', 'verdict')
    requireThat(verdict === wanted, `${what} says ${verdict}`)
    tell(`${what}: ${output.style('green', verdict)}`)
    output.report({ event: 'verdict', what, verdict })
  }
}

export const runDemo = async (output: Output, folder?: string): Promise<void> => {
  const start = performance.now()
  output.say(
    output.style('bold', 'How rare are these variants? Asked without telling which, answered without showing more.'),
  )
  const place = folder === undefined ? await mkdtemp(join(tmpdir(), 'tallystick-rare-disease-')) : resolve(folder)
  const commands = createCommands()
  const stop = stopSignal()
  const stopped = new Promise<never>((_, reject) => {
    stop.addEventListener('abort', () => {
      const remedy = 'nothing is left running; start it again whenever you like'
      reject(new TallyError('session/cancelled', 'self', 'the example was interrupted', { remedy }))
    })
  })
  const stage = stageOf(output, commands, place)
  const story = async (): Promise<void> => {
    const table = makeTable(rowCount)
    const patient = makePatient(table, known, unknown)
    const written = await setUp(stage, table, patient)
    await declare(stage, written)
    const terms = await agree(stage)
    const ended = await ask(stage, written, terms)
    await compare(stage, ended, table, patient)
    await audit(stage, ended)
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
