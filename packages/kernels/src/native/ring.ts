/** `ring64/*`, `ring128/*` and `bits/*` with key streams by OpenSSL, in pieces of 64 KiB; the rest is WebAssembly. */
import { createCipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import type { Engine } from '@tallystick/protocol'
import { counterBlock } from '../bits/reference.ts'
import { ringEngine } from '../ring/engine.ts'

const zeros = new Uint8Array(65_536)

/** Key objects of the last calls: making one costs as much as a kilobyte of stream. */
const known = new Map<string, KeyObject>()
const mostKeys = 64

const keyObject = (key: Uint8Array): KeyObject => {
  const name = String.fromCharCode(...key)
  const found = known.get(name)
  if (found !== undefined) return found
  if (known.size >= mostKeys) known.delete(known.keys().next().value!)
  const made = createSecretKey(key)
  known.set(name, made)
  return made
}

export const loadNativeShares = (): Promise<Engine> =>
  ringEngine((key, at) => {
    const cipher = createCipheriv('aes-128-ctr', keyObject(key), counterBlock(at))
    return (target) => target.set(cipher.update(zeros.subarray(0, target.length)))
  })
