#!/usr/bin/env bash
# Measures the engine into bench/engine*.csv and bench/vq.csv, a second or so a row: bench/engine.sh [MODEL] (default:
# the built-in one). SECONDS_A_ROW is longer where it must wait for quiet moments.
# On a machine with other work, run it under a raised priority; the fraction of the limit is what counts. Rows with one
# thread are timed by the thread's own time and so bear company best. LARGE=1 adds the shape of Janus-Pro-1B.
# bench/engine.sh table FILE: every shape, int8 and int4, batch 2 and 8, by all threads and by one, into FILE.
# engine.csv and vq.csv are of an AMD EPYC with two cores (Zen 4; engine.csv is such a table), engine_amx.csv and vq_amx.csv of an
# Intel Xeon with AMX and of older source: see docs/training.md, "How fast", for what has changed since.
set -euo pipefail
cd "$(dirname "$0")/.."
madang=build/madang
seconds=${SECONDS_A_ROW:-0.4}

measure() { "$madang" bench engine --seconds "$seconds" --csv "$@"; }

if [ "${1:-}" = table ]; then
  header=(--header)
  for shape in builtin m30 m350 janus1b; do for quant in int8 int4; do for batch in 2 8; do for threads in 0 1; do
    measure --shape "$shape" --quant "$quant" --batch "$batch" --threads "$threads" "${header[@]}"
    header=()
  done; done; done; done > "$2"
  exit
fi

model=${1:-model/weights}
{
  measure --header --shape builtin --batch 1
  for batch in 2 8; do measure --shape builtin --batch $batch; done
  for quant in int8 int4 bf16; do for batch in 1 2 8; do measure --shape m30 --quant $quant --batch $batch; done; done
  measure --shape m30 --context 512
  for kernels in avx2 avx512; do measure --shape m30 --kernels $kernels; done
  for quant in int8 int4; do measure --shape m30 --quant $quant --threads 1; done
  for quant in int8 int4; do for batch in 2 8; do measure --shape m350 --quant $quant --batch $batch; done; done
  for quant in int8 int4; do measure --shape m350 --quant $quant --threads 1; done
  for batch in 2 8; do measure --shape m350 --quant bf16 --batch $batch; done
  if [ -n "${LARGE:-}" ]; then
    for quant in int8 int4; do for batch in 2 8; do measure --shape janus1b --quant $quant --batch $batch; done; done
    measure --shape janus1b --quant bf16
    for quant in int8 int4; do measure --shape janus1b --quant $quant --threads 1; done
  fi
} > bench/engine.csv
{
  "$madang" bench picture --model "$model" --csv --header --seconds "$seconds"
  "$madang" bench picture --model "$model" --csv --seconds "$seconds" --threads 1
} > bench/engine_picture.csv
bench/engine_torch.py --model "$model" --csv > bench/engine_torch.csv
{
  build/bench/bench_vq 0 2
  build/bench/bench_vq 1 3 | sed 1d
} > bench/vq.csv
