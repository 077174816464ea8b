/** `tally list prepare | update | apply`: long lists that are asked about a few ids at a time. */
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { nodePool } from '@tallystick/kernels/pool'
import { applyUpdate, decodeUpdate, filterDigest } from '@tallystick/psi/unbalanced'
import type { Encoding } from '../csv.ts'
import { readDataset, type Duplicates } from '../dataset.ts'
import { declarationFormat, type Declaration } from '../declaration.ts'
import { readBytes, writeFileWhole, writeJson } from '../files.ts'
import { openHome } from '../home.ts'
import { columnText, normalisationText } from '../key.ts'
import type { Output } from '../output.ts'
import {
  checkFolder,
  dataTermsOf,
  filterFile,
  listTermsOf,
  nodeSha256,
  prepareFolder,
  readManifest,
  updateFolder,
  type Manifest,
} from '../prepared-list.ts'
import { count, traffic } from '../text.ts'

interface PrepareOptions {
  readonly home: string
  readonly column: readonly string[]
  readonly normalisation?: readonly string[]
  readonly duplicates: Duplicates
  readonly encoding: Encoding
  readonly source?: string
  readonly fingerprint: '32' | '64'
  readonly list: string
}

const declareTo = async (home: string, manifest: Manifest): Promise<string> => {
  const { identity } = await openHome(home)
  const file = join(home, 'declaration.json')
  const declaration: Declaration = {
    ...{ format: declarationFormat, identity, data: dataTermsOf(manifest), list: listTermsOf(manifest) },
  }
  await writeJson(file, declaration)
  return file
}

export const prepare = async (output: Output, options: PrepareOptions, input: string): Promise<void> => {
  const { duplicates, encoding, home } = options
  const column = columnText(options.column)
  const normalisation = normalisationText(options.normalisation ?? ['trim/1'])
  await openHome(home)
  const { items, counts } = await readDataset(input, { column, normalisation, duplicates, encoding })
  await using pool = nodePool({ workers: availableParallelism() })
  const progress = await output.progress()
  const manifest = await prepareFolder(options.list, {
    ...{ pool, items, fingerprint: options.fingerprint === '64' ? 64 : 32 },
    about: { source: options.source ?? basename(input), column, normalisation, duplicates },
    onProgress: (done) => progress.update('evaluating ids', done),
  }).finally(() => progress.stop())
  const file = await declareTo(home, manifest)
  const filter = filterFile(options.list, manifest)
  const { length } = await readBytes(filter, 'the filter')
  output.report(
    { event: 'prepared', file, filter, bytes: length, digest: manifest.digest, version: manifest.version, ...counts },
    `${count(counts.rows)} ids are prepared. ${filter} (${traffic(length)}) goes to each partner that is to ask, once; ` +
      `it is compared by its digest ${manifest.digest}.\n${file}: send it to whoever writes the terms.\n` +
      `${options.list} holds the key: whoever has it and the filter can tell every id.`,
  )
}

interface UpdateOptions {
  readonly home: string
  readonly encoding: Encoding
  readonly list: string
}

export const update = async (output: Output, options: UpdateOptions, input: string): Promise<void> => {
  const { column, normalisation, duplicates } = await readManifest(options.list)
  const { items } = await readDataset(input, { column, normalisation, duplicates, encoding: options.encoding })
  await using pool = nodePool({ workers: availableParallelism() })
  const { manifest, added, removed, file } = await updateFolder(options.list, pool, items)
  if (file === undefined) return output.report({ event: 'unchanged', version: manifest.version }, 'Nothing changed.')
  const declaration = await declareTo(options.home, manifest)
  output.report(
    { event: 'updated', file, declaration, version: manifest.version, digest: manifest.digest, added, removed },
    `Version ${manifest.version}: ${count(added)} ids came, ${count(removed)} went. ${file} goes to each partner that ` +
      `has the filter (tally list apply); ${declaration} to whoever writes the next terms.`,
  )
}

export const check = async (output: Output, options: UpdateOptions, input: string): Promise<void> => {
  const { column, normalisation, duplicates } = await readManifest(options.list)
  const { items } = await readDataset(input, { column, normalisation, duplicates, encoding: options.encoding })
  await using pool = nodePool({ workers: availableParallelism() })
  const progress = await output.progress()
  const { digest, version, rows } = await checkFolder(options.list, pool, items, (done) =>
    progress.update('evaluating ids', done),
  ).finally(() => progress.stop())
  output.report(
    { event: 'same', digest, version, rows },
    `Version ${version}, ${digest}: its filter holds the ${count(rows)} ids of ${input}, and no more of them.`,
  )
}

export const apply = async (output: Output, options: { readonly filter: string }, file: string): Promise<void> => {
  const [bytes, difference] = await Promise.all([
    readBytes(options.filter, 'the filter of a prepared list'),
    readBytes(file, 'an update of a prepared list'),
  ])
  const next = applyUpdate(bytes, decodeUpdate(difference), nodeSha256)
  await writeFileWhole(options.filter, next, true)
  const digest = filterDigest(next, nodeSha256)
  output.report({ event: 'applied', filter: options.filter, digest }, `${options.filter} is now ${digest}.`)
}
