/**
 * `npm run bench -- <name> [--json] [options]`: prints what was measured, with the peer's or the limit's figure from
 * the same run; with --json one JSON object a line. Without a name: the list.
 */
import { parseArgs } from 'node:util'

export interface Bench {
  readonly about: string
  /** `report` prints a row as it is known; `sizes` are what --sizes asks for, or the bench's own. */
  readonly run: (options: {
    readonly sizes: readonly number[] | undefined
    readonly report: (row: Row) => void
  }) => Promise<void>
}
export type Row = Readonly<Record<string, string | number | boolean>>

const benches: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  psi: () => import('./psi.ts'),
  mpc: () => import('./mpc.ts'),
  'psi-unbalanced': () => import('./psi-unbalanced.ts'),
  'psi-parties': () => import('./psi-parties.ts'),
  'psi-openmined': () => import('./psi-openmined.ts'),
  'psi-ecdh': () => import('./psi-ecdh.ts'),
  homomorphic: () => import('./homomorphic.ts'),
  'homomorphic-lookup': () => import('./homomorphic-lookup.ts'),
  query: () => import('./query.ts'),
  'query-scan': () => import('./query-scan.ts'),
  circuits: () => import('./circuits.ts'),
  session: () => import('./session.ts'),
  statistics: () => import('./statistics.ts'),
  vole: () => import('./vole.ts'),
  ot: () => import('./ot.ts'),
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    sizes: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const [name] = positionals
const load = name === undefined ? undefined : benches[name]
if (load === undefined || values.help) {
  const known = await Promise.all(
    Object.entries(benches).map(async ([key, module]) => `  ${key.padEnd(12)} ${(await module()).bench.about}`),
  )
  console.log(`usage: npm run bench -- <name> [--json] [--sizes 10000,100000]\n\n${known.join('\n')}`)
  process.exit(name === undefined || values.help ? 0 : 64)
}
const report = (row: Row): void => {
  if (values.json) console.log(JSON.stringify({ bench: name, ...row }))
  else
    console.log(
      Object.entries(row)
        .map(([key, value]) => `${key} ${format(value)}`)
        .join('  '),
    )
}
const format = (value: Row[string]): string =>
  typeof value === 'number' && !Number.isInteger(value) ? value.toPrecision(4) : String(value)
const sizes = values.sizes?.split(',').map(Number)
await (await load()).bench.run({ sizes, report })
