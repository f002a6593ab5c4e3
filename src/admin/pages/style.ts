// How the admin looks: the sheet of every page of ours and of the login host's forms, and what only the admin has.

import { appStyle } from '../../auth/app/style.ts'

/**
 * Served as a file of its own: an owner opens many pages, and the sheet travels once. Text in tables is 15 px, controls
 * stay 44 px high for fingers. From 60 rem on the navigation stands at the left.
 */
export const adminStyle = `${appStyle}${[
  // The shell: navigation and one column of content.
  'body{display:block;font-size:1rem;line-height:1.55}',
  '.skip{position:absolute;left:1rem;top:-4rem;z-index:2;padding:.625rem 1rem;border-radius:.625rem;background:var(--accent);color:var(--on-accent)}.skip:focus{top:.75rem}',
  '.bar{display:flex;align-items:center;flex-wrap:wrap;gap:0 1rem;padding:.5rem 1rem 0;border-bottom:1px solid var(--hair);background:var(--raised)}',
  '.brand{display:flex;align-items:center;gap:.625rem;flex:1;min-height:2.75rem;color:var(--ink);font-weight:620;text-decoration:none;letter-spacing:-.01em}',
  '.brand .mark{width:1.75rem;height:1.75rem;margin:0}',
  '.bar nav{order:1;flex:1 0 100%;margin:0 -1rem;overflow-x:auto;scrollbar-width:none}',
  '.bar nav ul{display:flex;gap:.25rem;margin:0;padding:0 .5rem;list-style:none}',
  '.bar nav a{display:block;padding:.625rem .625rem;border-bottom:3px solid transparent;color:var(--soft);text-decoration:none;white-space:nowrap}',
  '.bar nav a:hover{color:var(--ink)}.bar nav a:focus-visible{outline-offset:-3px}',
  '.bar nav a[aria-current]{border-color:var(--accent);color:var(--ink);font-weight:600}',
  '.who{font-size:.875rem;color:var(--soft)}.who a{color:inherit;padding:.75rem 0}',
  '.who span{display:none}',
  'main.admin{max-width:82rem;margin:0 auto;padding:1.5rem 1rem 4rem}',
  '@media(min-width:60rem){body{display:grid;grid-template-columns:13.5rem minmax(0,1fr);min-height:100vh}.bar{position:sticky;top:0;display:block;height:100vh;padding:1.25rem .875rem;overflow-y:auto;border:0;border-right:1px solid var(--hair)}.bar nav{margin:1.25rem 0 0;overflow:visible}.bar nav ul{display:block;padding:0}.bar nav a{padding:.5rem .75rem;margin:.125rem 0;border:0;border-radius:.5rem}.bar nav a:hover{background:var(--paper)}.bar nav a[aria-current]{background:var(--paper);box-shadow:inset 3px 0 0 var(--accent)}.brand{padding:0 .5rem}.who{position:absolute;bottom:1rem;left:1.375rem;right:1rem}.who span{display:block;color:var(--ink);overflow:hidden;text-overflow:ellipsis}main.admin{padding:2.25rem 2.5rem 5rem}}',
  // Heading line, sentences, tabs.
  '.admin h1{font-size:1.625rem}.admin .lead{margin-top:.375rem;max-width:46rem}',
  '.top{display:flex;flex-wrap:wrap;align-items:flex-start;justify-content:space-between;gap:.75rem 1.5rem}.top>div:first-child{flex:1 1 18rem;min-width:0}',
  '.tabs+*{margin-top:1.5rem!important}',
  '.admin .button.small{min-height:2.75rem;padding:.5625rem 1rem}.admin .button.tiny{min-height:2.25rem;padding:.3125rem .75rem;font-size:.875rem;font-weight:560}',
  '.admin section{margin-top:2.5rem}.admin section:first-child{margin-top:0}',
  '.slender{max-width:40rem}.top{margin-bottom:1.25rem}.admin .top+.tabs{margin-top:0}.admin section>:is(.hint,h2)+:is(.table,.facts,.meta){margin-top:.625rem}@media(min-width:48rem){.table td:has(>form){text-align:right}}.admin .lead+*,.admin h1+*:not(.lead){margin-top:0}.crumb{margin:0 0 .375rem;font-size:.9375rem}.crumb a{display:inline-block;padding:.25rem 0}',
  '.banner{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.5rem 1.25rem;margin:0 0 1.25rem;padding:.75rem 1rem;border:1px solid var(--hair);border-left:4px solid var(--accent);border-radius:.375rem .625rem .625rem .375rem;background:var(--raised)}.banner p{margin:0;flex:1 1 16rem}.banner.bad{border-left-color:var(--danger)}.banner.warn{border-left-color:var(--warn)}',
  '.alert+form,.news+form{margin-top:1.25rem}.alert ul,.news ul{margin:.375rem 0 0;padding-left:1.125rem}',
  // Tables. On a phone every row is a small card, and each cell says what it is.
  '.table{width:100%;margin:0;border-collapse:collapse;font-size:.9375rem;line-height:1.45}',
  '.table caption{padding:0 0 .5rem;text-align:left;color:var(--soft)}',
  '.table th,.table td{padding:.4375rem .875rem .5625rem 0;vertical-align:top}.table th:last-child,.table td:last-child{padding-right:0}',
  '.table thead th{padding-top:.25rem;border-bottom:1px solid var(--line);font-size:.8125rem;white-space:nowrap}',
  '.table thead th a{color:inherit;text-decoration:none}.table thead th a:hover{text-decoration:underline}.table thead th[aria-sort] a{color:var(--ink);font-weight:620}',
  '.table tbody th{font-weight:400;color:inherit}',
  '.table .num{text-align:right;font-variant-numeric:tabular-nums}',
  '.table .group th{padding:1.25rem 0 .3125rem;border-bottom:1px solid var(--hair);color:var(--ink);font-weight:600;font-size:.9375rem}.table .group:first-child th{padding-top:.75rem}.table .group+tr :is(th,td){border-top:0}.table tr:has(+.group) :is(th,td){border-bottom:0}',
  '.table a{text-decoration:none}.table a:hover{text-decoration:underline}.table tbody tr:not(.group):hover{background:var(--raised)}',
  '.table .main{font-weight:560;overflow-wrap:anywhere}.table td{overflow-wrap:anywhere}.table td,.table tbody th{min-width:5.5rem}.table .wide{min-width:12rem}.table small,.fine{color:var(--soft);font-size:.8125rem}.off td,.off th{color:var(--soft)}',
  '.mono{font-family:var(--mono);font-size:.875em;overflow-wrap:anywhere}',
  '@media(max-width:47.99rem){.table,.table tbody,.table tr,.table td,.table tbody th{display:block}.table thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.table tr{padding:.75rem 0;border-bottom:1px solid var(--hair)}.table tr.group{padding:1.25rem 0 .25rem}.table td,.table th,.table .group th{padding:.0625rem 0;border:0}.table td:empty{display:none}.table td[data-label]::before{content:attr(data-label) " ";color:var(--soft);font-size:.8125rem}.table .num{text-align:left}}',
  // Small words that say how something is; a shape and a word beside the colour.
  '@media(prefers-reduced-motion:no-preference){@keyframes breathe{50%{opacity:.35}}.state.busy::before{animation:breathe 1.6s ease-in-out infinite}}',
  '.tag.bad{border-color:var(--danger);color:var(--danger)}.tag.warn{border-color:var(--warn);color:var(--warn)}.tag.good{border-color:var(--accent);color:var(--accent)}.tag.open{border-color:var(--warn);color:var(--warn)}',
  // What is above a table: search and choices in a line.
  '.tools{display:flex;flex-wrap:wrap;align-items:flex-end;gap:.75rem 1rem;margin:0 0 .75rem}.tools .field{flex:1 1 14rem;max-width:26rem}.tools .field.slim{flex:0 1 11rem}.tools label{font-size:.875rem;margin-bottom:.25rem}',
  '.admin input:not([type=checkbox],[type=radio]),.admin select,.admin textarea{min-height:2.75rem;padding:.5rem .75rem}',
  '.key{display:inline-block;min-width:1.5rem;padding:0 .3125rem;border:1px solid var(--hair);border-bottom-width:2px;border-radius:.3125rem;font:.8125rem/1.5 var(--mono);text-align:center;color:var(--soft)}',
  // Cards of numbers, and lists of facts.
  '.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.875rem;margin:0;padding:0;list-style:none}.card{padding:1rem 1.125rem;border:1px solid var(--hair);border-radius:.75rem;background:var(--raised);min-width:0}.card h3{margin:0;font-size:.875rem;font-weight:500;color:var(--soft)}.card .big{margin:.125rem 0 0;font-size:1.375rem;font-weight:620;letter-spacing:-.01em;line-height:1.3;overflow-wrap:anywhere}.card p{margin:.125rem 0 0}.card .row{margin-top:.875rem}',
  '.admin .facts{font-size:.9375rem}.admin .facts dt{flex-basis:11rem}.admin .facts dd{flex:1 1 14rem;min-width:0;user-select:auto;-webkit-user-select:auto}',
  'meter,progress{width:100%;height:.5rem;margin:.5rem 0 .25rem;border:0;border-radius:1rem;overflow:hidden;background:var(--hair);-webkit-appearance:none;appearance:none}meter::-webkit-meter-bar{height:.5rem;border:0;border-radius:1rem;background:var(--hair)}meter::-webkit-meter-optimum-value{background:var(--accent)}meter::-webkit-meter-suboptimum-value{background:var(--warn)}meter::-webkit-meter-even-less-good-value{background:var(--danger)}',
  // The form of a route: choices that open what belongs to them, groups that fold, a live aside.
  '.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:1rem 1.25rem;align-items:start}',
  '.route>fieldset,.route>details{margin-top:2rem!important}.route>fieldset:first-of-type{margin-top:0!important}.route legend{font-size:1.0625rem;font-weight:620}',
  '.choice{border:1px solid var(--hair);border-radius:.75rem;padding:.25rem 1rem .5rem;background:var(--raised)}.choice legend{float:left;width:100%;padding:.75rem 0 .25rem}.choice legend+*{clear:both}.choice .asks{padding:.5rem 0 .75rem;border-top:1px solid var(--hair)}',
  '.option+.option{border-top:1px solid var(--hair)}.option small{display:inline-block;color:var(--soft);font-size:.875rem;margin-left:.25rem}.option .more{padding:.25rem 0 1rem 2rem}.option:not(:has(>label>input:checked))>.more{display:none}.choice:has([name="access.kind"]):not(:has([value=login]:checked,[value=people]:checked)) .asks{display:none}',
  '@media(max-width:30rem){.option .more{padding-left:0}}',
  '.fold{border-top:1px solid var(--hair);padding-top:.25rem}.fold+.fold{margin-top:.25rem!important}.fold>summary{font-weight:560;color:var(--ink);min-height:2.75rem;list-style:none}.fold>summary::-webkit-details-marker{display:none}.fold>summary::before{content:"";display:inline-block;width:.4375rem;height:.4375rem;margin:0 .75rem .125rem .125rem;border:solid var(--soft);border-width:0 2px 2px 0;transform:rotate(-45deg)}.fold[open]>summary::before{transform:rotate(45deg)}.fields{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1.125rem 1.25rem;align-items:start}.fields>:is(.hint,:has(textarea)){grid-column:1/-1;margin:0}.fold[open]{padding-bottom:1.25rem}.more .fold{border:0;padding:0}',
  'textarea{display:block;width:100%;border:1px solid var(--line);border-radius:.625rem;background:var(--raised);line-height:1.5;resize:vertical}textarea.mono{font-size:.875rem}.field .hint{font-size:.875rem}.end{margin-top:1.75rem!important}',
  '.split{display:grid;gap:2rem}.aside{min-width:0;font-size:.9375rem}.aside h2{font-size:1rem}.aside ul{margin:.5rem 0 0;padding:0;list-style:none}.aside li+li{margin-top:.5rem}@media(min-width:75rem){.split:has(.aside:not([hidden])){grid-template-columns:minmax(0,44rem) minmax(0,1fr)}.aside{position:sticky;top:1.5rem;align-self:start;max-height:calc(100vh - 3rem);overflow-y:auto;padding-left:1.5rem;border-left:1px solid var(--hair)}}.split>div{max-width:46rem;min-width:0}',
  '.diff{overflow-x:auto;border:1px solid var(--hair);border-radius:.625rem;background:var(--raised);margin-top:.5rem}.diff table{font:.8125rem/1.6 var(--mono);white-space:pre}.diff table+table{border-top:1px solid var(--line)}.diff td{padding:0 .75rem 0 0;border:0}.diff td:nth-child(-n+2){width:1%;padding:0 .5rem;text-align:right;color:var(--soft);user-select:none}.diff td:nth-child(3){width:1%;padding-left:.375rem}.diff .gone{background:var(--gone)}.diff .new{background:var(--fresh)}',
  '.problems,.plainlist{margin:.5rem 0 0;padding:0;list-style:none}.problems li,.plainlist li{padding:.375rem 0;overflow-wrap:anywhere}.problems .fix{color:var(--soft)}',
  '.code{display:flex;border:1px solid var(--line);border-radius:.625rem;background:var(--raised);overflow:hidden;font:.875rem/1.5 var(--mono)}.code:focus-within{outline:3px solid var(--accent);outline-offset:2px}.code textarea{flex:1;min-width:0;border:0;border-radius:0;background:none;padding:.625rem .75rem!important;font:inherit;line-height:inherit;white-space:pre;overflow:auto;outline:0!important}.gutter{flex:none;margin:0;padding:.625rem .5rem;min-width:3rem;overflow:hidden;font:inherit;text-align:right;color:var(--soft);border-right:1px solid var(--hair);user-select:none}.gutter b{color:var(--danger)}.gutter i{color:var(--warn);font-style:normal}.editor .row{margin-top:1rem}.problems button.tag{background:none;font:inherit;font-size:.8125rem;min-height:1.75rem;padding:0 .625rem;cursor:pointer}.problems .error{color:inherit;font-size:inherit}.alert ul.problems{padding:0}.aside .diff{padding:.5rem .75rem;font-size:.8125rem;line-height:1.6;white-space:pre-wrap;overflow-wrap:anywhere}.aside :is(ins,del){display:block;text-decoration:none}',
  '.result ol{margin:.5rem 0 0;padding-left:1.25rem}.result li{padding:.125rem 0}pre.diff{margin:.5rem 0 0;padding:.75rem 1rem;font-size:.8125rem}',
  '.admin section>form{margin-top:1rem}.split>section{max-width:46rem}',
  '.machine{padding:1.25rem 1.375rem 1rem;border:1px solid var(--hair);border-radius:.875rem;background:var(--raised)}.machine .facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:0 2rem;padding:0;border:0;background:none}.machine .facts div{align-content:start;border-top:1px solid var(--hair)}.machine .facts dt{flex-basis:8.5rem}.machine .big{margin:0;font-weight:560}.machine .actions{margin-top:1.25rem}.machine h2 small{font-weight:400}',
  '.tools p{margin:0}.inline{gap:.5rem}.inline select{width:auto}.inline .field{flex:none}.inline .field{display:flex;align-items:center;gap:.625rem}.inline label{margin:0;font-weight:400;color:var(--soft);font-size:.9375rem;white-space:nowrap}',
  '.timeline{margin:1.25rem 0 0}.days{display:grid;grid-template-columns:auto minmax(0,1fr);gap:.25rem .75rem;align-items:center;max-width:56rem;color:var(--soft);font-size:.8125rem;line-height:1.2;white-space:nowrap}.days svg{display:block;width:100%;height:1rem;border-radius:.25rem}.grid{fill:none;stroke:var(--raised);stroke-width:1.5;vector-effect:non-scaling-stroke}.hours{display:flex;justify-content:space-between;margin:0}.hours span{width:1rem;margin:0 -.5rem;text-align:center}.hours span:first-child{margin-left:0;text-align:left}.hours span:last-child{margin-right:0;text-align:right}.ground{fill:var(--hair);fill-opacity:.7}rect.awake{fill:var(--accent)}rect.moving{fill:var(--warn)}rect.trouble{fill:var(--danger)}rect.unknown{fill:var(--line);fill-opacity:.5}.timeline figcaption{margin-top:.625rem;color:var(--soft);font-size:.875rem}.legend{display:inline-flex;flex-wrap:wrap;gap:.25rem 1rem;margin:0 0 0 .5rem;padding:0;list-style:none}.legend svg{width:.75rem;height:.75rem;margin-right:.375rem}',
  '.remark{margin:0 0 1.5rem;max-width:46rem;color:var(--soft)}.top-gap,.admin form+.fold{margin-top:1.5rem}.admin section>:is(h2,.row)+.facts{margin-top:.75rem}.list form.row{flex-wrap:nowrap}.list input{max-width:9rem}.alert h2,.news h2{font-size:1.0625rem}.fix{color:var(--soft)}',
  '.audit details,.table details{margin-top:.125rem}.table summary{padding:.125rem 0}.change{margin:.25rem 0 0;font-size:.8125rem}.change dt{color:var(--soft)}.change dd{margin:0 0 .375rem}.audit .request{display:block}.tools .slim{flex:1 1 8.5rem;max-width:14rem}.tools .slim .field{max-width:none}',
].join('')}`
