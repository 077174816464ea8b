/**
 * Plain values as bytes: deterministic and injective, so an output can be committed to and a kernel's result kept in a
 * journal. One tag byte, then the content; lengths and counts in 32 bits, numbers as IEEE 754 doubles, all big-endian;
 * typed arrays as their elements in little-endian order (what every engine has in memory); keys of objects sorted by
 * their UTF-8 bytes. `decodeValue` accepts exactly the images of `encodeValue`.
 */
import { bytesToUtf8, compareBytes, concatBytes, readU32, u32, utf8ToBytes } from './bytes.ts'
import { TallyError } from './errors.ts'

/** The arrays of numbers that a value may hold; each keeps its type. */
export type NumberArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array

export type Value =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | NumberArray
  | readonly Value[]
  | { readonly [key: string]: Value }

const tags = {
  null: 0,
  false: 1,
  true: 2,
  number: 3,
  string: 4,
  numbers: 5,
  array: 6,
  object: 7,
  bigint: 8,
  undefined: 9,
}

/** The place in this list is the type's code: append only. */
const arrays = [
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigUint64Array,
  BigInt64Array,
] as const

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** The elements' bytes in little-endian order: a view where the machine has that order, else a swapped copy. */
const ordered = (bytes: Uint8Array, width: number): Uint8Array => {
  if (littleEndian || width === 1) return bytes
  const out = bytes.slice()
  for (let at = 0; at < out.length; at += width) out.subarray(at, at + width).reverse()
  return out
}

const cannot = (path: string, what: string): TallyError =>
  new TallyError('api/misuse', 'self', `${path}: ${what} cannot be encoded as a plain value`, {
    remedy: 'use null, booleans, finite numbers, strings, typed arrays, arrays and plain objects',
  })

const plainPrototypes: readonly unknown[] = [Object.prototype, null]

const write = (out: Uint8Array[], value: unknown, path: string): void => {
  const tag = (...bytes: number[]): number => out.push(Uint8Array.from(bytes))
  const text = (text: string): void => {
    if (!text.isWellFormed()) throw cannot(path, 'a lone surrogate')
    const bytes = utf8ToBytes(text)
    out.push(u32(bytes.length), bytes)
  }
  if (value === null) return void tag(tags.null)
  switch (typeof value) {
    case 'undefined':
      return void tag(tags.undefined)
    case 'boolean':
      return void tag(value ? tags.true : tags.false)
    case 'number': {
      if (!Number.isFinite(value)) throw cannot(path, 'a number that is not finite')
      const bytes = new Uint8Array(9)
      bytes[0] = tags.number
      new DataView(bytes.buffer).setFloat64(1, value)
      return void out.push(bytes)
    }
    case 'bigint':
      tag(tags.bigint)
      return text(value.toString())
    case 'string':
      tag(tags.string)
      return text(value)
    case 'object':
      break
    default:
      throw cannot(path, `a ${typeof value}`)
  }
  if (Array.isArray(value)) {
    tag(tags.array)
    out.push(u32(value.length))
    // Not forEach, which skips holes: a hole is written as undefined.
    for (let i = 0; i < value.length; i++) write(out, value[i], `${path}[${i}]`)
    return
  }
  if (ArrayBuffer.isView(value)) {
    const code = arrays.findIndex((type) => value instanceof type)
    if (code < 0) throw cannot(path, 'a view that is not a typed array of numbers')
    tag(tags.numbers, code)
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    out.push(u32(bytes.length), ordered(bytes, arrays[code]!.BYTES_PER_ELEMENT))
    return
  }
  if (!plainPrototypes.includes(Object.getPrototypeOf(value))) throw cannot(path, 'an object of a class')
  tag(tags.object)
  const entries = Object.entries(value).map(([key, item]) => [utf8ToBytes(key), key, item] as const)
  entries.sort(([a], [b]) => compareBytes(a, b))
  out.push(u32(entries.length))
  for (const [, key, item] of entries) {
    text(key)
    write(out, item, `${path}.${key}`)
  }
}

/** @throws TallyError api/misuse for what is no plain value (NaN, functions, objects of a class, lone surrogates). */
export const encodeValue = (value: Value): Uint8Array => {
  const parts: Uint8Array[] = []
  write(parts, value, '$')
  return concatBytes(...parts)
}

const malformed = (message: string): TallyError => new TallyError('decode/malformed', 'none', message)

/** @throws TallyError decode/malformed or decode/trailing for bytes that {@link encodeValue} does not write. */
export const decodeValue = (bytes: Uint8Array): Value => {
  let at = 0
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw malformed(`expected ${length} bytes at ${at}, found ${bytes.length - at}`)
    at += length
    return bytes.subarray(at - length, at)
  }
  const size = (): number => readU32(take(4))
  const text = (): string => bytesToUtf8(take(size()))
  const number = (): number => {
    const raw = take(8)
    const value = new DataView(raw.buffer, raw.byteOffset).getFloat64(0)
    if (!Number.isFinite(value)) throw malformed(`expected a finite number before ${at}`)
    return value
  }
  const integer = (): bigint => {
    const digits = text()
    if (!/^(0|-?[1-9][0-9]*)$/.test(digits)) throw malformed(`expected an integer in decimal digits before ${at}`)
    return BigInt(digits)
  }
  const numbers = (): NumberArray => {
    const type = arrays[take(1)[0]!]
    const length = size()
    if (type === undefined || length % type.BYTES_PER_ELEMENT !== 0) throw malformed(`expected a typed array at ${at}`)
    const raw = ordered(take(length).slice(), type.BYTES_PER_ELEMENT)
    return new type(raw.buffer as ArrayBuffer)
  }
  const array = (): Value[] => {
    const items: Value[] = []
    for (let left = size(); left > 0; left--) items.push(read())
    return items
  }
  const object = (): { [key: string]: Value } => {
    const entries: [string, Value][] = []
    let last: Uint8Array | undefined
    for (let left = size(); left > 0; left--) {
      const key = text()
      const raw = utf8ToBytes(key)
      if (last !== undefined && compareBytes(last, raw) >= 0) throw malformed(`expected sorted keys before ${at}`)
      last = raw
      entries.push([key, read()])
    }
    return Object.fromEntries(entries)
  }
  const read = (): Value => {
    const tag = take(1)[0]
    if (tag === tags.null) return null
    if (tag === tags.undefined) return undefined
    if (tag === tags.false || tag === tags.true) return tag === tags.true
    if (tag === tags.number) return number()
    if (tag === tags.bigint) return integer()
    if (tag === tags.string) return text()
    if (tag === tags.numbers) return numbers()
    if (tag === tags.array) return array()
    if (tag === tags.object) return object()
    throw malformed(`expected a tag of a value at ${at - 1}`)
  }
  const value = read()
  if (at !== bytes.length) {
    throw new TallyError('decode/trailing', 'none', `expected ${at} bytes, found ${bytes.length}`)
  }
  return value
}
