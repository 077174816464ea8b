/** A process that does with the keys of a folder as much as it may: prints how often it was let. For `keys.test.ts`. */
import { keyLedger } from '../src/pool/keys.ts'

const [folder, most] = process.argv.slice(2) as [string, string]
const ledger = keyLedger(folder)
const tables = (await ledger.encrypt()) ? 1 : 0
let releases = 0
while (await ledger.release(Number(most))) releases++
process.stdout.write(JSON.stringify({ tables, releases }))
