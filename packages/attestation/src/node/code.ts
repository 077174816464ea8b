/**
 * The code digest: which program parties agreed to run. SHA-256 over one line `<sha256>  <package>/<path>\n` for each
 * published source file (WebAssembly included) of the packages that decide what a party computes, sorted by path, so that
 * `sha256sum` in a checkout gives it too:
 *
 *   cd packages && find ../circuits/src {core,homomorphic,kernels,mpc,ot,protocol,psi,query,statistics}/src -type f |
 *     LC_ALL=C sort | xargs sha256sum | sha256sum
 *
 * Versions of third-party packages are pinned by the package's version, which the terms name beside the digest.
 */
import { hash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'
import { TallyError, type Hex } from '@tallystick/core'

const packages = [
  '../circuits',
  'core',
  'homomorphic',
  'kernels',
  'mpc',
  'ot',
  'protocol',
  'psi',
  'query',
  'statistics',
] as const

/** The folder of a package's sources, wherever the package manager put it. */
const sourcesOf = (folder: string): string => {
  const name = folder.slice(folder.lastIndexOf('/') + 1)
  try {
    return dirname(createRequire(import.meta.url).resolve(`@tallystick/${name}`))
  } catch (cause) {
    throw new TallyError('api/misuse', 'self', `expected the package @tallystick/${name} beside this one`, {
      cause,
      remedy: 'install all packages of Tallystick in one version',
    })
  }
}

/** Lines as `sha256sum` prints them, sorted by path. */
export const publishedFiles = (): readonly string[] =>
  packages
    .flatMap((name) => {
      const root = sourcesOf(name)
      const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      return entries.map(({ parentPath, name: file }) => {
        const path = join(parentPath, file)
        return {
          path: [name, 'src', ...relative(root, path).split(sep)].join('/'),
          digest: hash('sha256', readFileSync(path)),
        }
      })
    })
    .sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
    .map(({ path, digest }) => `${digest}  ${path}\n`)

export const codeDigest = (): Hex => `0x${hash('sha256', publishedFiles().join(''))}`
