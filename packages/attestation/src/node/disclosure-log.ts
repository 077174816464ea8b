/**
 * What this party has countersigned, over all its jobs: one line of canonical JSON each, on disk before the signature
 * leaves. A torn last line (a crash while writing) never left as a signature and is cut off.
 */
import { openSync, closeSync, existsSync, fsyncSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { canonicalJson, parseCanonical, TallyError, utf8ToBytes, type Hex, type Json } from '@tallystick/core'
import { z } from 'zod'
import { signDisclosure, type DisclosedRole, type DisclosureTerms, type EventSigner } from '../disclosure.ts'
import { count, hex, parseShape, role } from '../shape.ts'

const shape = z.strictObject({ specHash: hex(32), attempt: count, role })

export interface DisclosureLog {
  readonly disclosed: readonly DisclosedRole[]
  /** @throws TallyError evidence/over-limit */
  sign(terms: DisclosureTerms, next: DisclosedRole, signer: EventSigner): Promise<Hex>
}

/** A new file is there after a power loss only once its folder is on the disk. Windows opens no folders. */
const syncFolder = (path: string): void => {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

const read = (path: string): DisclosedRole[] => {
  if (!existsSync(path)) return []
  const bytes = readFileSync(path)
  const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1)
  if (whole.length < bytes.length) truncateSync(path, whole.length)
  const lines = whole.toString('utf8').split('\n').slice(0, -1)
  return lines.map((line) => {
    let value: Json
    try {
      value = parseCanonical(utf8ToBytes(line))
    } catch (cause) {
      throw new TallyError('journal/corrupt', 'self', 'the list of countersigned disclosures is damaged', {
        cause,
        remedy: 'restore it from a copy: without it this side cannot keep to the limit of the terms',
      })
    }
    return parseShape('journal/corrupt', 'disclosures', shape, value)
  })
}

/** @throws TallyError journal/corrupt */
export const openDisclosureLog = (path: string): DisclosureLog => {
  const disclosed = read(path)
  const append = ({ specHash, attempt, role: of }: DisclosedRole): void => {
    const isNew = !existsSync(path)
    const file = openSync(path, 'a', 0o600)
    try {
      writeSync(file, `${canonicalJson({ specHash, attempt, role: of })}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    if (isNew) syncFolder(dirname(path))
  }
  return {
    disclosed,
    async sign(terms, next, signer) {
      const signature = await signDisclosure(terms, next, signer, disclosed)
      append(next)
      disclosed.push(next)
      return signature
    },
  }
}
