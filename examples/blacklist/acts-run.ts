/** The first half of the demo: from two lists to a result that one bank learns. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { agree, declareList, field, meet, type Bank } from './bank.ts'
import { generateBlacklists, type Expected } from './generate.ts'
import type { Ended, Event } from './processes.ts'
import { count } from '@tallystick/cli'
import { begun, requireThat, type Stage } from './stage.ts'
import { plainIntersection, readResult } from './truth.ts'

/** What the first acts tell of, each as it is done. */
export interface Begun {
  readonly expected: Expected
  readonly truth: Promise<readonly string[]>
  readonly declared: Promise<readonly Ended[]>
  /** The hash of the terms in the file, which both have approved. */
  readonly agreed: Promise<string>
  readonly terms: string
}

export const setUp = async ({ commands, scene, step, tell, shown }: Stage): Promise<Begun> => {
  step('Two banks, an audit office and a chain')
  await mkdir(scene.folder, { recursive: true })
  const banks = [scene.a, scene.b]
  const terms = join(scene.folder, 'terms.json')
  const ready = begun(commands.start('chain', 'start', '--port', '0', '--out', scene.chain).first('chain'))
  const office = begun(commands.run('auditor', 'init', '--name', 'Audit office', '--home', scene.audit))
  const homes = banks.map(({ name, home }) => begun(commands.run('party', 'init', '--name', name, '--home', home)))
  const expected = await generateBlacklists(scene.folder)
  const declare = async (bank: Bank, i: number): Promise<Ended> => {
    await homes[i]
    return declareList(commands, bank)
  }
  const declared = begun(Promise.all(banks.map(declare)))
  const agreed = begun(Promise.all([declared, office, ready]).then(() => agree(commands, scene, terms)))
  const truth = begun(plainIntersection(scene, expected))
  await Promise.all([...homes, office])
  for (const { name, home, list } of banks) {
    tell(
      `${name}: keys in ${shown(home)}, blacklist ${shown(list)} (${count(expected.records)} records of invented people)`,
    )
  }
  const { rpcUrl } = (await ready) as Event & { rpcUrl: string }
  const identities = banks.map(({ home }) => join(home, 'identity.json'))
  await commands.run('chain', 'register', ...identities, '--chain', scene.chain)
  tell(`A chain on this machine, with the contracts and both banks in its registry, answers at ${rpcUrl}`)
  return { expected, truth, declared, agreed, terms }
}

export const declare = async ({ scene, step, tell }: Stage, { declared, expected }: Begun): Promise<void> => {
  step('Each bank checks its list, before any network')
  const found = await declared
  for (const [i, { key, name, column }] of [scene.a, scene.b].entries()) {
    const rows = field<number>(found[i]!, 'declared', 'rows')
    const duplicates = field<number>(found[i]!, 'declared', 'duplicates')
    requireThat(rows === expected.rows[key] && duplicates === expected.duplicates[key], `the rows of ${name}`)
    tell(`${name}: column "${column}", ${count(rows)} ids enter, ${count(duplicates)} repeat one and are dropped`)
  }
}

export const writeTerms = async ({ step, tell, shown }: Stage, { agreed, terms }: Begun): Promise<void> => {
  step('Both approve the same terms, byte for byte')
  tell(`${shown(terms)} ${await agreed}`)
  tell('Bank A (receiver) is to learn which of its rows Bank B has too; Bank B is to learn nothing.')
  tell('The audit office may replay the evidence of one bank. (Plain words: tally terms show)')
}

export interface Results {
  readonly a: Ended
  readonly record: string
  readonly evidence: string
}

/** Shows how far a run is, from what a bank's command tells. */
export const follow = async ({ output }: Stage, onProgress: (listener: (event: Event) => void) => void) => {
  const progress = await output.progress()
  onProgress((event) => {
    if (event.event === 'progress') progress.update(String(event['what']), Number(event['done']))
  })
  return progress
}

export const intersect = async (stage: Stage, terms: string, truth: readonly string[]): Promise<Results> => {
  const { commands, scene, step, tell, shown, output } = stage
  step('The banks compute, each in its own process, over mutual TLS')
  const start = performance.now()
  const meeting = await meet(commands, scene, terms)
  const progress = await follow(stage, meeting.a.onEvent)
  const found = await meeting.a.first('result').finally(() => progress.stop())
  tell(
    `Bank A is process ${meeting.a.pid}, Bank B is process ${meeting.b.pid}; ${((performance.now() - start) / 1000).toFixed(1)} s to the result`,
  )

  step('What each side learned')
  const { rows, ids } = await readResult(String(found['file']), scene.a.column)
  requireThat(ids.join() === truth.join(), 'the result is not the plain intersection')
  tell(`Bank A: ${count(rows.length)} of its rows, as they stand in its list: ${shown(String(found['file']))}`)
  for (const row of rows.slice(0, 3)) tell(`  ${output.style('cyan', row.join(' | ').replaceAll(/\s+/g, ' '))}`)
  const [a, b] = await Promise.all([meeting.a.finish(), meeting.b.finish()])
  requireThat(field<string>(b, 'result', 'kind') === 'none', 'Bank B learned something')
  tell(`Bank B: nothing but the size of the other list, which stood in the terms`)
  tell('The same as a plain intersection of both files, which neither bank could make.')
  output.report({ event: 'intersection', size: rows.length, correct: true })

  step('What stands on the chain: hashes, signatures and states, no names and no counts')
  const gas = [...a.events, ...b.events].filter((event) => event.event === 'recorded' && event['gas'] !== undefined)
  for (const event of gas) {
    tell(`${String(event['entry']).padEnd(8)} ${count(Number(event['gas'])).padStart(8)} gas`)
    output.report({ event: 'gas', entry: String(event['entry']), gas: Number(event['gas']) })
  }
  return { a, record: field<string>(a, 'record', 'file'), evidence: field<string>(a, 'evidence', 'file') }
}
