import { createRng, taggedDigest } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { conformance } from '@tallystick/protocol/testing'
import { base, correlated, vole, type Parameters } from './wrappers.ts'

const engine = await nodeEngine()
const bytes = (label: string, length: number): Uint8Array =>
  createRng(taggedDigest('tallystick/test/v1', label)).bytes(length)

const choices = (label: string, n: number) => ({ sender: {}, receiver: { choices: bytes(label, Math.ceil(n / 8)) } })
const transfers = (n: number, security: 'semi-honest' | 'malicious') => ({
  name: `${n} ${security}`,
  parameters: { n, security } as Parameters,
  inputs: choices('a', n),
  alternative: choices('b', n),
})

const kem = transfers(3, 'malicious')
const kemParameters: Parameters = { n: 3, security: 'malicious', base: 'ml-kem' }
conformance(base, [transfers(5, 'malicious'), { ...kem, name: '3 from ML-KEM', parameters: kemParameters }], {
  engine,
  schedules: 20,
})
conformance(correlated, [transfers(9, 'malicious')], { engine, schedules: 20, sample: 60 })

/** With a small noise weight, which changes sizes only: the secure one takes minutes here. */
const light = (n: number, security: 'semi-honest' | 'malicious') => ({
  name: `${n} ${security}`,
  parameters: { n, security, weight: 16 },
  inputs: { sender: { delta: bytes('delta', 16) }, receiver: {} },
  alternative: { sender: { delta: bytes('other', 16) }, receiver: {} },
})
conformance(vole, [light(60, 'malicious')], { engine, schedules: 20, sample: 60 })
