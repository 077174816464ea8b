/** Lists as records, whatever they are written in: CSV, or Parquet where the name ends in `.parquet`. */
import { readCsv, type CsvLayout, type CsvSummary, type Encoding, type OnRecord } from './csv.ts'

/**
 * Reads all records of a file in pieces, the header as the first.
 * @throws TallyError input/not-found, input/encoding, input/malformed
 */
export const readRecords = async (
  path: string,
  encoding: Encoding,
  onRecord: OnRecord,
): Promise<CsvSummary & { layout: CsvLayout }> => {
  if (!path.toLowerCase().endsWith('.parquet')) return readCsv(path, encoding, onRecord)
  const { readParquet } = await import('./parquet.ts')
  return readParquet(path, onRecord)
}
