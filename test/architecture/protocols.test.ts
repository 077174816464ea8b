/** `docs/protocols.md` has one row for each protocol that can be run and replayed, and no other. */
import { programs } from '@tallystick/attestation/programs'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const path = fileURLToPath(new URL('../../docs/protocols.md', import.meta.url))

/** `family/name-1` … `-4` in one row stands for four ids. */
const idsOf = (cell: string): readonly string[] => {
  const [first, last] = [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!)
  if (last === undefined) return [first!]
  const [, stem, from] = /^(.*)-(\d+)$/.exec(first!)!
  return Array.from({ length: Number(last.slice(1)) - Number(from) + 1 }, (_, i) => `${stem}-${Number(from) + i}`)
}

test('the table of protocols is that of the programs', () => {
  const section = readFileSync(path, 'utf8')
    .split(/^## /m)
    .find((part) => part.startsWith('What there is'))!
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  const listed = rows.map((line) => ({ ids: idsOf(line.split('|')[1]!), line }))
  expect(listed.flatMap(({ ids }) => ids).toSorted()).toEqual(Object.keys(programs).toSorted())
  for (const { ids, line } of listed) {
    for (const id of ids) expect(line.split('|')[5], id).toContain(programs[id]!.protocol.security.adversary)
  }
})
