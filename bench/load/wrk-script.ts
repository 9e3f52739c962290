import { newRunNonce } from './idempotency-key.ts';
import { renderRequest, type LoadPlan } from './plan.ts';

/** Marks the one line of wrk's output that is ours. */
export const RESULT_MARK = 'BENCH-RESULT ';

/**
 * wrk's script: requests are rendered here, Lua only joins them with a key made as in idempotency-key.ts.
 * LuaJIT's os.time knows whole seconds only, hence gettimeofday.
 */
export function renderWrkScript(host: string, plan: LoadPlan): string {
  const rendered = plan.requests.map((request) => renderRequest(host, request, plan.keyed));
  return `
local heads = {${rendered.map(({ head }) => luaString(head)).join(',\n')}}
local tails = {${rendered.map(({ tail }) => luaString(tail)).join(',\n')}}
local keyed = ${plan.keyed}
local count = #heads
local index = 0
local counter = 0
local suffix = ""

local ffi = require("ffi")
ffi.cdef[[
  typedef struct { long seconds; long microseconds; } bench_time;
  int gettimeofday(bench_time *now, void *zone);
]]
local now = ffi.new("bench_time")
local format, floor = string.format, math.floor

local threads = 0
function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

function init()
  suffix = format("-${newRunNonce()}%02x", thread_number)
  math.randomseed(thread_number + 1)
  index = math.random(count)
end

local function next_key()
  counter = counter + 1
  ffi.C.gettimeofday(now, nil)
  local milliseconds = tonumber(now.seconds) * 1000 + floor(tonumber(now.microseconds) / 1000)
  return format("%08x-%04x-7%03x-8%03x", floor(milliseconds / 65536), milliseconds % 65536,
    counter % 4096, floor(counter / 4096) % 4096) .. suffix
end

function request()
  index = index % count + 1
  if keyed then return heads[index] .. next_key() .. tails[index] end
  return heads[index]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(format(
    '${RESULT_MARK}{"responses":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"maxUs":%d,"badStatus":%d,"socketErrors":%d,"timeouts":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
`;
}

/** JSON's escapes for what occurs here (quotes, backslashes, \r, \n) are Lua's as well. */
function luaString(text: string): string {
  return JSON.stringify(text);
}
