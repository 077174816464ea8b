/**
 * Builds the WebAssembly modules: generates the straight-line sources, compiles with AssemblyScript, writes
 * `src/<group>/<variant>.wasm.ts` (base64 and SHA-256). `node packages/kernels/build.ts` writes all, with names as
 * arguments (`curve25519/fma`) those; tests call `build()` and compare.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { main } from 'assemblyscript/asc'
import * as aes from './generate/aes.ts'
import * as blake3 from './generate/blake3.ts'
import * as constants from './generate/constants.ts'
import * as fma from './generate/fma.ts'
import * as garble from './generate/garble.ts'
import * as integer from './generate/integer.ts'
import * as p256 from './generate/p256.ts'
import * as ristretto from './generate/ristretto.ts'
import * as sha512 from './generate/sha512.ts'

const here = (path: string): URL => new URL(path, import.meta.url)

const flags = '--optimizeLevel 3 --shrinkLevel 0 --converge --runtime stub --noAssert --enable simd'

interface Module {
  /** Under assembly/. */
  readonly entry: string
  /** More of the compiler's flags. */
  readonly flags?: string
  /** A source that stands in for another in this module, by path under assembly/. */
  readonly replaces?: Readonly<Record<string, string>>
}

/** By the path of what is written, under src/. */
const modules: Readonly<Record<string, Module>> = {
  'curve25519/fma': {
    entry: 'curve25519/index.ts',
    flags: '--enable relaxed-simd',
    replaces: { 'curve25519/field.ts': 'curve25519/field.fma.generated.ts' },
  },
  'curve25519/integer': {
    entry: 'curve25519/index.ts',
    replaces: { 'curve25519/field.ts': 'curve25519/field.integer.generated.ts' },
  },
  'aes/simd': { entry: 'aes/index.ts' },
  'bgv/bgv': { entry: 'bgv/index.ts' },
  'expand-convolute/simd': { entry: 'expand-convolute/index.ts' },
  'garble/garble': { entry: 'garble/index.ts' },
  'gf128/simd': { entry: 'gf128/index.ts' },
  'transpose/simd': { entry: 'transpose/index.ts' },
  'blake3/blake3': { entry: 'blake3/index.ts' },
  'ring/simd': { entry: 'ring/index.ts' },
  'field61/simd': { entry: 'field61/index.ts' },
  'cuckoo/cuckoo': { entry: 'cuckoo/index.ts' },
  'merkle/merkle': { entry: 'merkle/index.ts' },
  'okvs/okvs': { entry: 'okvs/index.ts' },
  'softspoken/simd': { entry: 'softspoken/index.ts' },
  'table/table': { entry: 'table/index.ts' },
  'oprf/fma': {
    entry: 'oprf/index.ts',
    flags: '--enable relaxed-simd',
    replaces: { 'curve25519/field.ts': 'curve25519/field.fma.generated.ts' },
  },
  'oprf/integer': {
    entry: 'oprf/index.ts',
    replaces: { 'curve25519/field.ts': 'curve25519/field.integer.generated.ts' },
  },
  'p256/fma': { entry: 'p256/index.ts', flags: '--enable relaxed-simd' },
  'pir/scan': { entry: 'pir/index.ts', flags: '--importMemory' },
  'pir/shared': {
    entry: 'pir/index.ts',
    flags: '--importMemory --sharedMemory --maximumMemory 65536 --enable threads',
  },
  'rlwe/interpolate': { entry: 'rlwe/interpolate.ts' },
  'rlwe/ring': { entry: 'rlwe/index.ts' },
}

/** Generated sources by path under this package. */
export function sources(): Record<string, string> {
  return {
    'assembly/aes/rounds.generated.ts': aes.generate(),
    'assembly/blake3/compress.generated.ts': blake3.generate(),
    'assembly/curve25519/constants.generated.ts': constants.generate(),
    'assembly/curve25519/field.fma.generated.ts': fma.generate(),
    'assembly/curve25519/field.integer.generated.ts': integer.generate(),
    'assembly/curve25519/sha512.generated.ts': sha512.generate(),
    'assembly/garble/sbox.generated.ts': garble.generate(),
    'assembly/oprf/constants.generated.ts': ristretto.generate(),
    'assembly/p256/field.generated.ts': p256.generate(),
  }
}

async function compile(name: string, module: Module): Promise<Uint8Array> {
  const generated = sources()
  let binary: Uint8Array | undefined
  const more = module.flags?.split(' ') ?? []
  const { error } = await main([`assembly/${module.entry}`, '--outFile', 'out.wasm', ...flags.split(' '), ...more], {
    readFile: (path) => {
      const asked = path.replace(/^assembly\//, '')
      const file = `assembly/${module.replaces?.[asked] ?? asked}`
      if (generated[file] !== undefined) return generated[file]
      try {
        return readFileSync(here(file), 'utf8')
      } catch {
        return null
      }
    },
    writeFile: (_path, contents) => void (binary = contents as Uint8Array),
    listFiles: () => [],
  })
  if (error || !binary) throw new Error(`asc failed for ${name}: ${error?.message}`)
  return binary
}

/** All files that the build writes, by path under this package; of all modules, or of those named so. */
export async function build(names: readonly string[] = Object.keys(modules)): Promise<Record<string, string>> {
  const files = sources()
  for (const name of names) {
    const bytes = await compile(name, modules[name]!)
    const digest = createHash('sha256').update(bytes).digest('hex')
    files[`src/${name}.wasm.ts`] = [
      `// GENERATED by build.ts from assembly/: do not edit. WebAssembly, ${bytes.length} bytes.`,
      `export const sha256 = '${digest}'`,
      `export const base64 =\n  '${Buffer.from(bytes).toString('base64')}'\n`,
    ].join('\n')
  }
  return files
}

if (import.meta.main) {
  const named = process.argv.slice(2)
  for (const [path, text] of Object.entries(await build(named.length > 0 ? named : undefined))) {
    writeFileSync(here(path), text)
    process.stdout.write(`${path}: ${text.length} bytes\n`)
  }
}
