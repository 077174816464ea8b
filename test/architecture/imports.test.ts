/**
 * The house rules on imports, read from the sources: packages import downwards only, and the protocol side (from core
 * to the protocol families) names nothing that would make a party depend on more than terms, input, seed and inbox.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** From the bottom up; packages of one layer do not import each other. */
const layers: readonly (readonly string[])[] = [
  ['core'],
  ['protocol'],
  ['kernels', 'circuits'],
  ['ot'],
  ['psi', 'mpc', 'query', 'homomorphic'],
  ['statistics'],
  ['session'],
  ['attestation'],
  ['node'],
  ['sdk'],
  ['cli', 'console'],
]
const layerOf = (name: string): number => layers.findIndex((layer) => layer.includes(name))

/** Sources of the protocol side; engines, pools, Node's kernels and the test kit run where there is more than a protocol. */
const protocolSide = [
  'core',
  'protocol',
  'kernels',
  'circuits',
  'ot',
  'psi',
  'mpc',
  'query',
  'homomorphic',
  'statistics',
]
const exempt = /\/(?:native|pool|testing)\/|\/(?:arena|engine|module)\.ts$|\.wasm\.ts$/

interface Source {
  readonly path: string
  readonly name: string
  readonly text: string
}

/** Folders of packages: those of packages/, and the circuits beside it. */
const folders = [...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`), 'circuits']
const nameOf = (folder: string): string => folder.slice(folder.lastIndexOf('/') + 1)

const sources: readonly Source[] = folders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => path.startsWith(`${folder}/src/`) && !path.includes('node_modules'))
    .map((path) => ({ path, name: nameOf(folder), text: readFileSync(join(root, path), 'utf8') })),
)

const importsOf = (text: string): readonly string[] =>
  [...text.matchAll(/(?:from|import|import\()\s*'([^']+)'/g)].map((match) => match[1]!)

/** Code without comments and strings: a doc comment may name a clock. */
const codeOf = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")

const upward = ({ path, name, text }: Source): readonly string[] =>
  importsOf(text).flatMap((target) => {
    const other = /^@tallystick\/([a-z-]+)/.exec(target)?.[1]
    if (other === undefined || other === name || layerOf(other) < layerOf(name)) return []
    return [`${path} imports ${target}`]
  })

const ambient =
  /\b(?:Math\.random|Date\b|performance\.|setTimeout|setInterval|setImmediate|queueMicrotask|process\.|globalThis|window\b|document\b|fetch\(|crypto\.|getRandomValues|randomBytes|new Promise|Promise\.|async\b|await\b|Buffer\b|console\.)/g

const impure = ({ path, name, text }: Source): readonly string[] => {
  if (!protocolSide.includes(name) || exempt.test(path)) return []
  const modules = importsOf(text).filter((target) => target.startsWith('node:') || /\/(?:pool|engine)/.test(target))
  const globals = [...codeOf(text).matchAll(ambient)].map((match) => match[0])
  return [...modules, ...globals].map((found) => `${path}: ${found}`)
}

test('every package stands in a layer', () => {
  expect(sources.map((s) => s.name).filter((name) => layerOf(name) < 0)).toEqual([])
  expect(sources.length).toBeGreaterThan(20)
})

test('imports go down the layers only', () => {
  expect(sources.flatMap(upward)).toEqual([])
})

test('relative imports stay inside their package', () => {
  const escaped = sources.flatMap(({ path, name, text }) =>
    importsOf(text)
      .filter((target) => target.startsWith('.'))
      .filter(
        (target) =>
          !folders.some((folder) => nameOf(folder) === name && join(path, '..', target).startsWith(`${folder}/`)),
      )
      .map((target) => `${path} imports ${target}`),
  )
  expect(escaped).toEqual([])
})

test('the protocol side names no clock, timer, promise, randomness, socket or Node module', () => {
  expect(sources.flatMap(impure)).toEqual([])
})

test('the two rules can fail', () => {
  const text = "import { x } from '@tallystick/session'\nimport 'node:fs'\nconst t = Date.now()\n"
  const bad: Source = { path: 'packages/core/src/bad.ts', name: 'core', text }
  expect(upward(bad)).toHaveLength(1)
  expect(impure(bad)).toEqual(['packages/core/src/bad.ts: node:fs', 'packages/core/src/bad.ts: Date'])
})
