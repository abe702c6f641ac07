#!/usr/bin/env bash
# First run of specgraph on a GPU: evidence in about 9 minutes, the most valuable first.
#
#   OUT=/some/folder bash tools/gpu/first_run.sh
#
# Needs: one NVIDIA GPU (Ampere or later) with a driver for CUDA 13, 8+ cores, 4 GB of disk, gcc (for
# --compile on), and a python3 (3.11+) that holds torch>=2.11 (CUDA build), torchvision, safetensors, numpy,
# scikit-learn, pillow, matplotlib, rich, tensorboard, PyYAML, networkx, pydantic, pytest, hypothesis; onnx and
# onnxruntime-gpu (a CUDA 13 build) for part 9. No network and no data set is needed: images are made up,
# `digits` comes with scikit-learn. A machine is bare at first. One of:
#   * PY=/path/to/venv/bin/python   a venv that has all of it (pip install -e '.[all]' pytest hypothesis), or
#   * .whl/*.whl in the repository root (offline): installed with --no-deps into $WORK/site. A machine without a
#     network may bring torch 2.11 and most of the rest, but neither pydantic, pydantic_core (cp312), annotated_types,
#     typing_inspection, graphviz nor onnxruntime-gpu. The first five are 3 MB: bring them as .whl.
#     onnxruntime-gpu is 340 MB: where transfers are limited, split it (split -b 55M … .ort/part-); the parts are joined
#     to $ORT_WHEEL_NAME here. Without it part 9 says so and goes on.
#   * a network: pip installs what is missing.
# PACK=1 leaves three files in $OUT (summary.txt, smi.csv, logs.tar.gz), for places that give few files back.
# DRY=1 DEVICE=cpu runs everything small on a CPU, to find mistakes in this script itself; ONLY=REGEX takes the parts
# whose names match.
set -u
HERE=$(cd "$(dirname "$0")" && pwd); ROOT=$(dirname "$(dirname "$HERE")"); cd "$ROOT" || exit 2
OUT=${OUT:-$ROOT/gpu-first-run}; DEVICE=${DEVICE:-cuda}; DRY=${DRY:-0}
WORK=$(mktemp -d); mkdir -p "$OUT"
LOGS=$OUT; [ "${PACK:-0}" = 1 ] && LOGS=$WORK/logs && mkdir -p "$LOGS"
PY=${PY:-python3}; BUDGET=${BUDGET:-$([ "$DRY" = 1 ] && echo 2700 || echo 535)}; START=$(date +%s)
export PYTHONUNBUFFERED=1 PYTHONPATH=$ROOT:$WORK/site:$WORK DEVICE DRY WORK OUT ROOT PY TQDM_DISABLE=1
export TORCHINDUCTOR_CACHE_DIR=$WORK/inductor
left() { echo $((BUDGET - $(date +%s) + START)); }
part() {  # part NAME SECONDS COMMAND...: its own time, its own log; a failure stops nothing
    local name=$1 limit=$2 begin rc; shift 2
    [[ "$name" =~ ${ONLY:-.} ]] || return 0
    [ "$DRY" = 1 ] && limit=$((limit * 5))  # small, but on what may be a busy CPU
    [ "$(left)" -lt "$limit" ] && limit=$(left)
    if [ "$limit" -lt 8 ]; then echo "$name: no time left" | tee -a "$OUT/summary.txt"; return; fi
    begin=$(date +%s)
    timeout -k 5 "$limit" "$@" > "$LOGS/$name.log" 2>&1; rc=$?
    { echo "== $name: rc $rc, $(($(date +%s) - begin)) s of $limit"; grep -hE '^(RESULT|FAILED|PASSED|ERROR|\|)|passed|failed' "$LOGS/$name.log" | tail -40; } | tee -a "$OUT/summary.txt"
    [ "${PACK:-0}" = 1 ] && tar -czf "$OUT/logs.tar.gz" -C "$WORK" logs
}
: > "$OUT/summary.txt"

# ---- 0 what there is -------------------------------------------------------------------------------------
if compgen -G ".ort/part-*" > /dev/null; then mkdir -p .whl; cat .ort/part-* > ".whl/${ORT_WHEEL_NAME:?name of the onnxruntime-gpu wheel}"; fi
if compgen -G ".whl/*.whl" > /dev/null; then "$PY" -m pip install -q --no-index --no-deps --no-compile --upgrade --target $WORK/site .whl/*.whl > "$LOGS/00-install.log" 2>&1; fi
"$PY" -c 'import torch, pydantic, yaml, networkx, safetensors, sklearn, PIL' 2> "$LOGS/00-missing.log" || timeout 90 "$PY" -m pip install -q -e '.[all]' pytest hypothesis >> "$LOGS/00-install.log" 2>&1
command -v nvidia-smi > /dev/null && { nvidia-smi --query-gpu=timestamp,utilization.gpu,utilization.memory,memory.used,power.draw,clocks.sm,temperature.gpu --format=csv -lms 500 > "$OUT/smi.csv" 2>&1 & SMI=$!; trap 'kill $SMI 2> /dev/null' EXIT; }
part 00-env 30 bash -c 'nvidia-smi; nvcc --version | tail -1; "$PY" "$0"' "$HERE/surroundings.py"

# ---- 1 does it run, does it wait, how fast ---------------------------------------------------------------
part 01-sync-and-rate 75 "$PY" "$HERE/sync.py"
part 02-gpu-tests 110 "$PY" -m pytest -m gpu $(grep -rl "mark\.gpu" tests --include='*.py') -p no:cacheprovider -rA --no-header --durations=5

# ---- 2 against a loop by hand and the tutorials' own -----------------------------------------------------
NETS=inception,lenet,resnet18,resnet-cifar,alexnet; [ "$DRY" = 1 ] && NETS=lenet
part 03-bench-eager 80 "$PY" tools/bench/train.py --device "$DEVICE" --networks $NETS --contenders specgraph,hand-tuned --runs 3 --seconds 0.5
# the tutorial's loop takes as many steps as the hand-tuned one: short runs, or it alone takes many minutes
part 04-bench-tutorial 45 "$PY" tools/bench/train.py --device "$DEVICE" --networks ${NETS%%,*} --contenders specgraph,hand-tuned,tutorial --runs 2 --seconds 0.03

# ---- 3 exactness ------------------------------------------------------------------------------------------
part 05-exact 80 "$PY" "$HERE/exact.py"

# ---- 4 what there is to gain ------------------------------------------------------------------------------
[ "$DEVICE" = cuda ] && part 06-cuda-graphs 45 "$PY" "$HERE/cuda_graphs.py"
CNETS=resnet18,inception; [ "$DRY" = 1 ] && CNETS=lenet
part 07-bench-compiled 75 "$PY" tools/bench/train.py --device "$DEVICE" --networks $CNETS --contenders specgraph,hand-tuned --runs 3 --seconds 0.5 --compile

# ---- 5 every seed spec, from the command line's own function ----------------------------------------------
part 08-seed-specs 70 "$PY" "$HERE/seed_specs.py"

# ---- 6 onnxruntime ----------------------------------------------------------------------------------------
part 09-onnxruntime 45 "$PY" "$HERE/onnx_runtime.py"

# ---- 7 photographs: decoding, ResNet-50 -------------------------------------------------------------------
part 10-photos 60 "$PY" "$HERE/photos.py"

# ---- 8 the command line, predict, several GPUs ------------------------------------------------------------
part 11-command-line 60 bash "$HERE/commands.sh"
{ echo "== whole: $(($(date +%s) - START)) s"; } | tee -a "$OUT/summary.txt"
