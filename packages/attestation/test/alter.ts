/** Every way to alter a value a little: each leaf changed, each member dropped, a stranger added, elements moved. */
import type { Json } from '@tallystick/core'

export type Path = readonly (string | number)[]

export interface Alteration<T> {
  readonly path: Path
  readonly how: string
  readonly value: T
}

const isTime = (text: string): boolean => /^\d{4}-\d\d-\d\dT/.test(text)

/** Another value of the same kind, so that no shape check gives it away. */
export const otherLeaf = (leaf: Json): Json => {
  if (typeof leaf === 'boolean') return !leaf
  if (typeof leaf === 'number') return leaf + 1
  if (leaf === null) return 'something'
  const text = leaf as string
  if (/^0x[0-9a-f]*$/.test(text)) {
    if (text.length === 2) return '0x00'
    const at = Math.floor(text.length / 2)
    return `${text.slice(0, at)}${text[at] === '0' ? '1' : '0'}${text.slice(at + 1)}`
  }
  if (isTime(text)) return new Date(Date.parse(text) + 1000).toISOString()
  if (text === '') return 'x'
  const last = text.at(-1) === 'a' ? 'c' : 'a'
  return `${text.slice(0, -1)}${last}`
}

const put = (root: Json, path: Path, change: (value: Json) => Json | undefined): Json => {
  const [key, ...rest] = path
  if (key === undefined) return change(root)!
  if (Array.isArray(root)) {
    const list = root.flatMap((item: Json, i) => {
      if (i !== key) return [item]
      const changed = rest.length === 0 ? change(item) : put(item, rest, change)
      return changed === undefined ? [] : [changed]
    })
    return list
  }
  const entries = Object.entries(root as Record<string, Json>).flatMap(([name, item]) => {
    if (name !== key) return [[name, item] as const]
    const changed = rest.length === 0 ? change(item) : put(item, rest, change)
    return changed === undefined ? [] : [[name, changed] as const]
  })
  return Object.fromEntries(entries)
}

const walk = (value: Json, path: Path, visit: (value: Json, path: Path) => void): void => {
  visit(value, path)
  if (typeof value !== 'object' || value === null) return
  for (const [key, item] of Object.entries<Json>(value as Readonly<Record<string, Json>>)) {
    walk(item, [...path, Array.isArray(value) ? Number(key) : key], visit)
  }
}

export const leavesOf = (root: Json): Path[] => {
  const paths: Path[] = []
  walk(root, [], (value, path) => {
    if (typeof value !== 'object' || value === null) paths.push(path)
  })
  return paths
}

/** Each leaf changed. */
export const changedLeaves = (root: Json): Alteration<Json>[] =>
  leavesOf(root).map((path) => ({ path, how: 'changed', value: put(root, path, otherLeaf) }))

/** Each member of an object or list dropped; each list with its first element twice, or the first two swapped. */
export const changedShapes = (root: Json): Alteration<Json>[] => {
  const alterations: Alteration<Json>[] = []
  walk(root, [], (value, path) => {
    if (path.length > 0) alterations.push({ path, how: 'dropped', value: put(root, path, () => undefined) })
    if (!Array.isArray(value)) {
      if (typeof value !== 'object' || value === null) return
      const added = put(root, path, (object) => ({ ...(object as object), stranger: 1 }))
      alterations.push({ path: [...path, 'stranger'], how: 'added', value: added })
      return
    }
    if (value.length === 0) return
    const twice = put(root, path, (list) => [(list as Json[])[0]!, ...(list as Json[])])
    alterations.push({ path, how: 'first element twice', value: twice })
    if (value.length < 2) return
    const swapped = put(root, path, (list) => {
      const [a, b, ...rest] = list as Json[]
      return [b!, a!, ...rest]
    })
    alterations.push({ path, how: 'first two swapped', value: swapped })
  })
  return alterations
}
