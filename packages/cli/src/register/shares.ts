/** `tally stats`: commands, options and help. */
import type { Command } from 'commander'
import { encodingOption, examples, group, homeOption, lazily } from './options.ts'

export const registerStatistics = (program: Command): void => {
  const stats = group(program, 'stats', 'statistics over the tables of several parties')
  examples(
    stats
      .command('plan')
      .description('write terms from an analysis and the declarations of the parties, and explain them')
      .argument('<analysis>', 'a module whose default export is analyse(...), or such a plan as JSON')
      .requiredOption(
        '--party <table.json...>',
        'the declarations of p0, p1 and p2, who compute, then of further owners of tables; of p0 and p1 alone with --helper, or where two compute by themselves',
      )
      .option(
        '--helper <identity.json>',
        'two parties compute, with random numbers of this one, which sees nothing and must work with neither; without it they encrypt, which costs some thirty times as much',
      )
      .requiredOption('--auditor <auditor.json>', 'who may replay the evidence of p0')
      .requiredOption('--purpose <text>', 'what the figures are for')
      .option('--days <n>', 'days until the terms expire', '30')
      .option('--chain <chain.json>', 'the chain that records it (default: none)')
      .option('--out <file>', 'where to write them', 'terms.json')
      .action(lazily(async () => (await import('../commands/stats.ts')).plan)),
    'tally stats plan analysis.ts --party a/table.json b/table.json c/table.json \\\n' +
      '      --auditor audit/auditor.json --purpose "Income and default of shared customers"',
    'tally stats plan analysis.ts --party a/table.json b/table.json --helper office/identity.json \\\n' +
      '      --auditor audit/auditor.json --purpose "Income and default of shared customers"',
  )
  examples(
    stats
      .command('run')
      .description('run approved terms with the partners; run it again after a crash and it goes on where it was')
      .requiredOption('--terms <terms.json>', 'terms that all parties approved')
      .option('--input <table.csv>', 'the table that was declared')
      .option('--table <table.json>', 'its declaration (default: table.json of the home)')
      .option('--listen <[host:]port>', 'wait here for the partners that are not dialled')
      .option('--connect <role=host:port...>', 'go to a partner there')
      .option('--explain', 'say first what the run costs and what everybody learns')
      .option('--dry-run', 'check and explain everything, use no network')
      .option('--chain <chain.json>', 'record it on this chain (default: chain.json of the home, if there)')
      .addOption(encodingOption())
      .addOption(homeOption())
      .action(lazily(async () => (await import('../commands/stats.ts')).run)),
    'tally stats run --terms terms.json --input loans.csv --home bank-a --listen 7443 --explain',
    'tally stats run --terms terms.json --input cards.csv --home bank-b --listen 7443 \\\n' +
      '      --connect p0=bank-a.example:7443',
    'tally stats run --terms terms.json --home office --connect p0=bank-a.example:7443 p1=bank-b.example:7443',
  )
}
