/** Canonical JSON (RFC 8785): the bytes that are approved, hashed and run are the same bytes. */
import canonicalize from 'canonicalize'
import { bytesToUtf8, utf8ToBytes } from './bytes.ts'
import { TallyError } from './errors.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

const refuse = (message: string, cause?: unknown): never => {
  throw new TallyError('decode/non-canonical', 'none', message, { cause })
}

/** Deeper than any document of ours, and far from the end of the stack. */
const maxDepth = 100

const check = (value: unknown, path: string, depth = 0): void => {
  if (depth > maxDepth) refuse(`expected at most ${maxDepth} levels of nesting`)
  switch (typeof value) {
    case 'boolean':
      return
    case 'number':
      if (!Number.isFinite(value)) refuse(`${path}: a JSON number is finite`)
      return
    case 'string':
      if (!value.isWellFormed()) refuse(`${path}: a string holds a lone surrogate`)
      return
    case 'object':
      if (value === null) return
      if (Array.isArray(value)) {
        // Not forEach, which skips holes.
        for (let i = 0; i < value.length; i++) check(value[i], `${path}[${i}]`, depth + 1)
        return
      }
      if (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null) break
      for (const [key, item] of Object.entries(value)) {
        if (!key.isWellFormed()) refuse(`${path}: a key holds a lone surrogate`)
        check(item, `${path}.${key}`, depth + 1)
      }
      return
  }
  refuse(`${path}: a ${value === undefined ? 'missing value' : typeof value} is not JSON`)
}

/** @throws TallyError decode/non-canonical for what JSON cannot say (undefined, NaN, bigint, lone surrogates). */
export const canonicalJson = (value: unknown): string => {
  check(value, '$')
  return canonicalize(value)!
}

export const canonicalBytes = (value: unknown): Uint8Array => utf8ToBytes(canonicalJson(value))

/** Accepts exactly the images of {@link canonicalBytes}: no spaces, no duplicate or unsorted keys, no BOM. */
export const parseCanonical = (bytes: Uint8Array): Json => {
  let value: Json
  let text: string
  try {
    text = bytesToUtf8(bytes)
    value = JSON.parse(text) as Json
  } catch (cause) {
    return refuse('expected JSON in UTF-8', cause)
  }
  if (canonicalJson(value) !== text || utf8ToBytes(text).length !== bytes.length) {
    refuse('expected canonical JSON (RFC 8785): sorted keys, no spaces, no duplicate keys')
  }
  return value
}
