/** Draws who-sees-what.<language>.<theme>.svg: one layout, two languages, two palettes. Run: node docs/images/draw.ts */
import { writeFileSync } from 'node:fs'

const palettes = {
  light: {
    paper: '#ffffff',
    ink: '#1f2328',
    quiet: '#59636e',
    line: '#8c959f',
    box: '#f6f8fa',
    a: '#0969da',
    b: '#8250df',
    chain: '#1a7f37',
    audit: '#9a6700',
  },
  dark: {
    paper: '#0d1117',
    ink: '#f0f6fc',
    quiet: '#9198a1',
    line: '#656c76',
    box: '#151b23',
    a: '#4493f8',
    b: '#ab7df8',
    chain: '#3fb950',
    audit: '#d29922',
  },
} as const

const texts = {
  en: {
    font: 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif',
    bankA: ['Bank A', 'receiver', ['its own list', "the size of B's list", 'which of its rows B also has']],
    bankB: ['Bank B', 'sender', ['its own list', "the size of A's list", 'nothing about the result']],
    wire: ['mutual TLS 1.3', 'ids as masked curve points', 'signatures of both over', 'everything that was sent'],
    chain: [
      'Chain (local or consortium)',
      'sees: hashes, signatures, states and times,',
      'pseudonymous accounts. No names, ids or sizes.',
    ],
    audit: [
      'Auditor',
      'from the record (anyone may have it): who agreed,',
      'committed and signed what. From the evidence of one',
      "bank, sealed to this auditor alone: that bank's list and",
      'every step it took, run again.',
    ],
    sees: 'sees',
    hash: 'commitments, co-signed close',
    record: 'record',
    evidence: 'sealed evidence',
  },
  zh: {
    font: 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
    bankA: ['银行 A', '接收方', ['自己的名单', 'B 名单的条数', '自己的哪些行 B 也有']],
    bankB: ['银行 B', '发送方', ['自己的名单', 'A 名单的条数', '对结果一无所知']],
    wire: ['双向认证 TLS 1.3', '标识以盲化曲线点传输', '双方对收发的', '全部内容签名'],
    chain: ['区块链（本地链或联盟链）', '可见：哈希、签名、状态与时间、', '假名账户。没有名称、标识和条数。'],
    audit: [
      '审计方',
      '凭记录（可公开给有权者）：谁同意、',
      '承诺并签署了什么。凭某一家银行只加密给',
      '该审计方的证据：该行的名单，',
      '以及它每一步的重放。',
    ],
    sees: '可见',
    hash: '承诺与共同签署的结算',
    record: '记录',
    evidence: '加密证据',
  },
} as const

type Palette = (typeof palettes)[keyof typeof palettes]
type Texts = (typeof texts)[keyof typeof texts]

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const label = (x: number, y: number, text: string, color: string, size = 14, weight = 400, anchor = 'middle') =>
  `<text x="${x}" y="${y}" fill="${color}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}">${escape(text)}</text>`

const bank = (x: number, [name, role, sees]: Texts['bankA'] | Texts['bankB'], color: string, p: Palette, t: Texts) => [
  `<rect x="${x}" y="170" width="230" height="150" rx="10" fill="${p.box}" stroke="${color}" stroke-width="2"/>`,
  label(x + 18, 200, name, color, 18, 600, 'start'),
  label(x + 212, 200, role, p.quiet, 13, 400, 'end'),
  label(x + 18, 228, `${t.sees}:`, p.quiet, 13, 400, 'start'),
  ...sees.map((line, i) => label(x + 18, 252 + 23 * i, `· ${line}`, p.ink, 14, 400, 'start')),
]

const draw = (t: Texts, p: Palette): string => {
  const arrow = (path: string, color: string, ends = 'marker-end="url(#tip)"') =>
    `<path d="${path}" fill="none" stroke="${color}" stroke-width="1.6" ${ends}/>`
  const wide = (y: number, height: number, lines: readonly string[], color: string) => [
    `<rect x="250" y="${y}" width="400" height="${height}" rx="10" fill="${p.box}" stroke="${color}" stroke-width="2"/>`,
    label(450, y + 28, lines[0]!, color, 17, 600),
    ...lines.slice(1).map((line, i) => label(450, y + 52 + 21 * i, line, p.ink, 13.5)),
  ]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 520" width="900" height="520" font-family='${t.font}' role="img">`,
    `<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="${p.line}"/></marker></defs>`,
    `<rect width="900" height="520" fill="${p.paper}"/>`,
    ...wide(20, 90, t.chain, p.chain),
    ...bank(20, t.bankA, p.a, p, t),
    ...bank(650, t.bankB, p.b, p, t),
    arrow('M250 215 L650 215', p.line, 'marker-start="url(#tip)" marker-end="url(#tip)"'),
    label(450, 204, t.wire[0], p.quiet, 13),
    label(450, 238, t.wire[1], p.ink, 14),
    label(450, 272, t.wire[2], p.ink, 14),
    label(450, 293, t.wire[3], p.ink, 14),
    arrow('M135 170 L135 65 L250 65', p.line),
    arrow('M765 170 L765 65 L650 65', p.line),
    label(142, 140, t.hash, p.quiet, 12, 400, 'start'),
    label(758, 140, t.hash, p.quiet, 12, 400, 'end'),
    ...wide(360, 145, t.audit, p.audit),
    arrow('M135 320 L135 432 L250 432', p.line),
    arrow('M765 320 L765 432 L650 432', p.line),
    label(142, 352, `${t.record} + ${t.evidence}`, p.quiet, 12, 400, 'start'),
    label(758, 352, t.record, p.quiet, 12, 400, 'end'),
    '</svg>',
    '',
  ].join('\n')
}

for (const [language, t] of Object.entries(texts))
  for (const [theme, p] of Object.entries(palettes))
    writeFileSync(new URL(`who-sees-what.${language}.${theme}.svg`, import.meta.url), draw(t, p))
