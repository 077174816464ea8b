/**
 * Two banks' blacklists with the mess of real exports, made from a seed: the same lists on every machine.
 *
 * Nobody in them exists. Resident ids begin with 99, a region that GB/T 2260 assigns to no place; their check character
 * is right, so that the software treats them as it treats real ones. Mobile numbers begin with 154 0000, a block that no
 * operator has been given. Names are drawn from two short lists.
 */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createRng, readU32 } from '@tallystick/core'
import { residentIdCheck } from '@tallystick/cli'
import { stringify } from 'csv-stringify/sync'

export interface BlacklistOptions {
  readonly seed?: string
  /** Records of each file. */
  readonly records?: number
  /** People who stand on both lists. */
  readonly overlap?: number
}

/** What a right run must find; known from the making, not from the files. */
export interface Expected {
  readonly records: number
  /** Distinct ids of each bank. */
  readonly rows: { readonly 'bank-a': number; readonly 'bank-b': number }
  readonly duplicates: { readonly 'bank-a': number; readonly 'bank-b': number }
  readonly overlap: number
  /** The common ids in normal form, sorted. */
  readonly ids: readonly string[]
}

interface Person {
  readonly id: string
  readonly name: string
  readonly mobile: string
}

type Draw = (below: number) => number

const surnames = [...'赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许']
const givenNames = [
  '伟',
  '芳',
  '敏',
  '静',
  '丽',
  '强',
  '磊',
  '洋',
  '艳',
  '勇',
  '建国',
  '秀英',
  '文轩',
  '子涵',
  '一鸣',
  '雨桐',
]
const reasons = [
  'overdue 90 days',
  'card fraud, confirmed',
  'forged papers; "salary slip"',
  'court order',
  'chargeback\nsee file',
]
const reasonsZh = ['逾期90天', '盗刷,已确认', '伪造"收入证明"', '法院失信名单', '套现\n见附件']

/** A draw below a bound; the bias of the remainder does not matter for test data. */
const drawer = (seed: string): Draw => {
  const rng = createRng(createHash('sha256').update(seed).digest())
  return (below) => readU32(rng.bytes(4)) % below
}

const pad = (value: number, length: number): string => String(value).padStart(length, '0')

/** `n` people with distinct ids: the serial number runs through them. */
const people = (n: number, draw: Draw): Person[] =>
  Array.from({ length: n }, (_, serial) => {
    const born = `${1950 + draw(55)}${pad(1 + draw(12), 2)}${pad(1 + draw(28), 2)}`
    const digits = `99${pad(Math.floor(serial / 1000), 4)}${born}${pad(serial % 1000, 3)}`
    return {
      id: digits + residentIdCheck(digits),
      name: surnames[draw(surnames.length)]! + givenNames[draw(givenNames.length)]!,
      mobile: `1540000${pad(draw(10_000), 4)}`,
    }
  })

const shuffle = <T>(items: readonly T[], draw: Draw): T[] => {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = draw(i + 1)
    const kept = out[i]!
    out[i] = out[j]!
    out[j] = kept
  }
  return out
}

const wide = (text: string): string =>
  text.replace(/[!-~]/g, (char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0))
const groups = (id: string, mark: string): string => [id.slice(0, 6), id.slice(6, 14), id.slice(14)].join(mark)

/** An id as one of the ways in which clerks and spreadsheets leave it. */
const written = (id: string, draw: Draw): string => {
  switch (draw(12)) {
    case 0:
      return wide(id)
    case 1:
      return groups(id, ' ')
    case 2:
      return groups(id, '-')
    case 3:
      return ` ${id}\u3000`
    case 4:
      return `${id}\t`
    case 5:
    case 6:
      return id.toLowerCase()
    default:
      return id
  }
}

const mobileWritten = (mobile: string, draw: Draw): string =>
  [mobile, `+86 ${mobile}`, `${mobile.slice(0, 3)}-${mobile.slice(3, 7)}-${mobile.slice(7)}`, wide(mobile)][draw(4)]!

const day = (draw: Draw): [string, string, string] => [`20${15 + draw(11)}`, pad(1 + draw(12), 2), pad(1 + draw(28), 2)]

/** Bank A: English headings, commas, CRLF and a byte-order mark, as Excel saves it. */
const fileOfBankA = (list: readonly Person[], draw: Draw): string => {
  const rows = list.map(({ id, name, mobile }) => {
    const [year, month, date] = day(draw)
    const customer = draw(3) === 0 ? `${name}, ${draw(2) === 0 ? 'Mr' : 'Ms'}` : name
    return [
      customer,
      mobileWritten(mobile, draw),
      written(id, draw),
      reasons[draw(reasons.length)]!,
      `${date}/${month}/${year}`,
    ]
  })
  return stringify([['Customer name', 'Mobile', 'ID number', 'Reason', 'Listed on'], ...rows], {
    bom: true,
    record_delimiter: '\r\n',
    quoted_match: /[\r\n]/,
  })
}

/** Bank B: Chinese headings in another order, LF, no mark, every cell of text in quotes, as a database exports it. */
const fileOfBankB = (list: readonly Person[], draw: Draw): string => {
  const rows = list.map(({ id, name, mobile }, i) => {
    const [year, month, date] = day(draw)
    const amount = `${1 + draw(900)},${pad(draw(1000), 3)}.00`
    const reason = reasonsZh[draw(reasonsZh.length)]!
    return [
      String(i + 1),
      written(id, draw),
      amount,
      name,
      reason,
      mobileWritten(mobile, draw),
      `${year}-${month}-${date}`,
    ]
  })
  return stringify([['序号', '证件号码', '欠款金额', '姓名', '原因', '手机号', '登记日期'], ...rows], {
    quoted_string: true,
  })
}

/** Writes `bank-a.csv`, `bank-b.csv` and `expected.json` into the folder. */
export const generateBlacklists = async (folder: string, options: BlacklistOptions = {}): Promise<Expected> => {
  const { seed = 'tallystick/blacklist', records = 10_000, overlap = Math.round(records / 16) } = options
  const draw = drawer(seed)
  const duplicates = { a: Math.round(records / 100), b: Math.round(records / 70) }
  const rows = { a: records - duplicates.a, b: records - duplicates.b }
  const everybody = shuffle(people(rows.a + rows.b - overlap, draw), draw)
  const common = everybody.slice(0, overlap)
  const ofA = everybody.slice(0, rows.a)
  const ofB = [...common, ...everybody.slice(rows.a)]
  const again = (list: readonly Person[], n: number): Person[] =>
    Array.from({ length: n }, () => list[draw(list.length)]!)
  const listA = shuffle([...ofA, ...again(ofA, duplicates.a)], draw)
  const listB = shuffle([...ofB, ...again(ofB, duplicates.b)], draw)
  const expected: Expected = {
    records,
    rows: { 'bank-a': rows.a, 'bank-b': rows.b },
    duplicates: { 'bank-a': duplicates.a, 'bank-b': duplicates.b },
    overlap,
    ids: common.map(({ id }) => id).sort(),
  }
  await mkdir(folder, { recursive: true })
  await Promise.all([
    writeFile(join(folder, 'bank-a.csv'), fileOfBankA(listA, draw)),
    writeFile(join(folder, 'bank-b.csv'), fileOfBankB(listB, draw)),
    writeFile(join(folder, 'expected.json'), `${JSON.stringify(expected, undefined, 1)}\n`),
  ])
  return expected
}

if (import.meta.main) {
  const folder = process.argv[2]
  if (folder === undefined) {
    process.stderr.write('expected a folder: node examples/blacklist/generate.ts <folder>\n')
    process.exitCode = 64
  } else {
    const { records, overlap } = await generateBlacklists(folder)
    process.stdout.write(`${folder}: two lists of ${records} records, ${overlap} people on both\n`)
  }
}
