/** `docs/dependencies.md` has one line for each dependency of every package.json, tells who uses it, and has no other. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

type Versions = Readonly<Record<string, string>>
interface Manifest {
  readonly dependencies?: Versions
  readonly devDependencies?: Versions
  readonly optionalDependencies?: Versions
}

const folders = ['.', 'circuits', 'contracts', 'bench', 'test', ...globSync('{packages,examples}/*', { cwd: root })]
const manifests = folders.map((folder) => ({
  folder,
  manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest,
}))
const foreign = (versions: Versions = {}): readonly (readonly [string, string])[] =>
  Object.entries(versions).filter(([name]) => !name.startsWith('@tallystick/'))

/** Rows of a table of the document: the names in the first cell, and the other cells. */
const rowsOf = (heading: string) => {
  const text = readFileSync(join(root, 'docs/dependencies.md'), 'utf8')
  const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [first, ...cells] = line.split('|').slice(1, -1)
      return { names: [...first!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!), cells }
    })
}
const [running, building] = [rowsOf('At run time'), rowsOf('For building and testing')]
const sorted = (names: Iterable<string>): readonly string[] => [...names].toSorted()

test('versions are exact', () => {
  const loose = manifests.flatMap(({ folder, manifest }) =>
    [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies]
      .flatMap(foreign)
      .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
      .map(([name, version]) => `${folder}: ${name} ${version}`),
  )
  expect(loose).toEqual([])
})

test('every dependency has one line, and every line a dependency', () => {
  const named = [...running, ...building].flatMap(({ names }) => names)
  const used = manifests.flatMap(({ manifest }) =>
    [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies].flatMap(foreign),
  )
  expect(sorted(named)).toEqual(sorted(new Set(used.map(([name]) => name))))
})

test('the lines of what runs name the packages that use it', () => {
  const listed = running.flatMap(({ names, cells }) =>
    names.map((name) => `${name}: ${sorted(cells[0]!.split(',').map((user) => user.trim())).join(', ')}`),
  )
  const users = new Map<string, string[]>()
  for (const { folder, manifest } of manifests.filter(({ folder }) => folder.startsWith('packages/'))) {
    for (const [name] of foreign(manifest.dependencies)) {
      users.set(name, [...(users.get(name) ?? []), folder.slice('packages/'.length)])
    }
  }
  expect(sorted(listed)).toEqual(sorted([...users].map(([name, by]) => `${name}: ${sorted(by).join(', ')}`)))
})
