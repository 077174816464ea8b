import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { expect, it } from 'vitest'
import * as curve from '../src/curve25519/engine.ts'
import * as curveKernels from '../src/curve25519/kernels.ts'
import * as oprf from '../src/oprf/engine.ts'
import * as oprfKernels from '../src/oprf/kernels.ts'
import * as p256 from '../src/p256/engine.ts'
import * as p256Kernels from '../src/p256/kernels.ts'

const digest = (bytes: Uint8Array): string => bytesToHex(sha256(bytes))

it('engines are tested at load against what the references give', () => {
  const { hash, hashScale, scale, scaleEach } = curveKernels
  const curve25519 = { hash: hash.run, hashScale: hashScale.run, scale: scale.run, scaleEach: scaleEach.run }
  expect(digest(curve.answers(curve25519))).toBe(curve.knownAnswers)
  const { blind, combine, evaluate, finalize } = oprfKernels
  const ristretto255 = { blind: blind.run, combine: combine.run, evaluate: evaluate.run, finalize: finalize.run }
  const rest = { hash: oprfKernels.hash.run, scale: oprfKernels.scale.run }
  expect(digest(oprf.answers({ ...ristretto255, ...rest }))).toBe(oprf.knownAnswers)
  const references = { hashScale: p256Kernels.hashScale.run, scale: p256Kernels.scale.run }
  expect(digest(p256.answers(references))).toBe(p256.knownAnswers)
})
