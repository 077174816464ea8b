/** Tables read cell by cell, and the story of three companies as processes: figures, record, replay. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { decodeTable } from '@tallystick/statistics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createConnector, meetingOf } from '../src/connection.ts'
import { readTable, schemaOf, tableFormat } from '../src/table.ts'
import { dataTermsOf } from '../src/table-declaration.ts'
import { mainFile } from './run.ts'

let folder = ''
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tally-statistics-test-'))))
afterAll(() => rm(folder, { recursive: true }))

const format = tableFormat.parse({
  columns: [
    { name: 'income', from: 'Income', type: 'numeric', minimum: 0, maximum: 5000, decimals: 2 },
    { name: 'region', type: 'categorical', levels: ['north', 'south, west'] },
  ],
})

const read = async (text: string, changes: Partial<typeof format> = {}) => {
  const path = join(folder, 'table.csv')
  await writeFile(path, text)
  return readTable(path, { ...format, ...changes }, 'utf-8')
}
const problem = async (
  text: string,
  changes: Partial<typeof format> = {},
): Promise<{ code: string; message: string }> => {
  try {
    await read(text, changes)
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('the table was read')
}

describe('a table', () => {
  it('is read as its columns say, whatever stands around them', async () => {
    const text = '\ufeffNo.,region,Income\r\n1,"south, west", 12.5 \r\n2,north,"5000.00"\r\n\r\n3,north,0.01\r\n'
    const { items, counts } = await read(text)
    expect(counts).toEqual({ records: 3, rows: 3, dropped: 0, filled: 0 })
    const { codes } = decodeTable(schemaOf(format), items, false)
    expect(codes.map((column) => [...column])).toEqual([
      [1250, 500_000, 1],
      [1, 0, 0],
    ])
  })
  it.each([
    ['１２', 'full-width characters'],
    ['"1,250.00"', 'commas between thousands'],
    ['"12,5"', 'a comma where a decimal point'],
    ['1e3', 'an exponent'],
    ['n/a', 'a word for "missing"'],
    ['12.345', 'more than 2 decimals'],
    ['-1', 'outside 0 to 5000'],
    ['12 5', 'not a number'],
  ])('refuses the cell %s by line and column', async (cell, what) => {
    const { code, message } = await problem(`Income,region\n1,north\n${cell},north\n`)
    expect(code).toBe('input/invalid-value')
    expect(message).toContain(`line 3, column 1 ("income"): ${what}`)
    expect(message).not.toContain(cell.replaceAll('"', ''))
  })
  it('tells everything that is wrong at once, and refuses or drops records with empty cells', async () => {
    const text = 'Income,region\n1,east\n,north\n2\n3,north\n'
    const { message } = await problem(text)
    expect(message).toContain('line 2, column 2 ("region"): no declared level')
    expect(message).toContain('1 cell is empty\n      line 3, column 1')
    expect(message).toContain('line 4 has 1 cell')
    const { counts } = await read('Income,region\n,north\n3,north\n', { missing: 'drop' })
    expect(counts).toEqual({ records: 2, rows: 1, dropped: 1, filled: 0 })
  })
  it('fills empty cells, and cells with words that stand for one, where the columns say with what', async () => {
    const [income, region] = format.columns
    const columns = [{ ...income!, fill: 7 }, region!] as typeof format.columns
    const text = 'Income,region\n,north\nn/a,north\n3,?\n4,north\n'
    const { counts, items } = await read(text, { columns, missing: 'drop', empty: ['n/a', '?'] })
    expect(counts).toEqual({ records: 4, rows: 3, dropped: 1, filled: 2 })
    expect([...decodeTable(schemaOf({ ...format, columns }), items, false).codes[0]!]).toEqual([700, 700, 400])
    expect(dataTermsOf('t.csv', { ...format, columns }, 3).column).toBe('income (empty: 7), region')
    const outside = [{ ...income!, fill: 9000 }, region!] as typeof format.columns
    expect((await problem(text, { columns: outside })).message).toContain('"fill" is outside 0 to 5000')
  })
  it('of joined rows has them in one order, whatever order the file has', async () => {
    const id = { from: 'id', normalisation: 'trim/1' }
    const [a, b] = [
      await read('id,Income,region\nx,1,north\ny,2,north\nz,3,north\n', { id }),
      await read('id,Income,region\n z ,3,north\nx,1,north\ny,2,north\n', { id }),
    ]
    expect(a.items).toEqual(b.items)
    const { code, message } = await problem('id,Income,region\nx,1,north\nx,2,north\n', { id })
    expect([code, message.includes('line 3 repeats line 2')]).toEqual(['input/duplicate', true])
    expect((await problem('id,Income,region\nx,1,north\n', { id, missing: 'drop' })).code).toBe('terms/malformed')
  })
})

describe('addresses of several peers', () => {
  const party = (role: string) => ({ role, name: role, party: '0x', signer: '0x', tls: `0x${role}` }) as const
  const connect = (options: Parameters<typeof meetingOf>[0], ...roles: string[]) =>
    createConnector({
      identity: undefined as never,
      peers: roles.map(party) as never,
      meeting: meetingOf(options),
      onTrouble: () => {},
    })
  it('name each peer once, or listen for it', async () => {
    const connector = await connect({ connect: ['p0=127.0.0.1:1', 'p1=[::1]:2'] }, 'p0', 'p1')
    expect([connector.port, connector.awaited]).toEqual([undefined, []])
    await expect(connect({ connect: ['p0=127.0.0.1:1'] }, 'p0', 'p1')).rejects.toThrow('--connect for p1 too')
    await expect(connect({ connect: ['127.0.0.1:1'] }, 'p0', 'p1')).rejects.toThrow('with a role of p0, p1')
    await expect(connect({ connect: ['p2=127.0.0.1:1'] }, 'p0', 'p1')).rejects.toThrow('found "p2"')
    await expect(connect({ connect: ['p0=127.0.0.1:1', 'p0=127.0.0.1:2'] }, 'p0', 'p1')).rejects.toThrow(
      'found it twice',
    )
    await expect(connect({ listen: '7', connect: ['127.0.0.1:1'] }, 'p0')).rejects.toThrow('one of them')
  })
})

describe('three companies', () => {
  it('have the figures of the clear computation, a record and a replay', { timeout: 180_000 }, async () => {
    const args = [mainFile, 'demo', '--statistics', '--json', '--keep', join(folder, 'companies')]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const exit = once(child, 'exit') as Promise<[number]>
    const events: Record<string, unknown>[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      events.push(JSON.parse(line) as Record<string, unknown>)
    }
    const [code] = await exit
    expect(code, JSON.stringify(events.at(-1))).toBe(0)
    const one = (name: string) => events.find(({ event }) => event === name)
    expect(one('refused')).toMatchObject({ code: 'input/invalid-value' })
    expect(one('figures')).toMatchObject({ correct: true })
    expect(events.filter(({ event }) => event === 'verdict').map(({ verdict }) => verdict)).toEqual([
      'consistent',
      'replayed',
    ])
  })
})
