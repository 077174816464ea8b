/** P-256 has no WebAssembly: what runs without Node is the reference, named so that no engine lacks a kernel. */
import { hashScale, scale } from './kernels.ts'

export const p256Engine = { [hashScale.name]: hashScale.run, [scale.name]: scale.run }
