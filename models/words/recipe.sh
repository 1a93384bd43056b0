#!/usr/bin/env bash
# Makes model.tflite and its card anew from Speech Commands: models/words/recipe.sh CORPUS WORK_DIR
set -euo pipefail
corpus=$1 work=$2
here=$(dirname "${BASH_SOURCE[0]}")
export TF_NUM_INTRAOP_THREADS=1 # sums in one order: equal seeds, equal weights

stapes train --data_dir "$corpus" --train_dir "$work/train" \
  --preprocess logmel --upper_edge_hertz 7600 --silence_percentage 15 --unknown_percentage 100 \
  --balance 1 --end_frames 11 --how_many_training_steps 20000 --learning_rate 0.01 \
  --warmup_steps 200 --learning_rate_decay cosine --time_shift_ms 200 --time_mask_frames 4 \
  --frequency_mask_channels 4 --gain_db 6 --background_volume 0.2 \
  --model_architecture residual_svdf --svdf_units 96,96,96,96,96,96,96 \
  --svdf_memory 3,8,8,8,8,8,12 --bottleneck_units 56 --dropout 0.05 --eval_step_interval 4000
stapes export --train_dir "$work/train" --output_file "$work/words.tflite"

# Tuned on speakers of the validation partition, verified on those of the testing partition.
for partition in validation testing; do
  stapes stream make --data_dir "$corpus" --partition "$partition" --model "$work/words.tflite" \
    --test_duration_seconds 10800 --seed 1 \
    --output_audio_file "$work/$partition.wav" --output_labels_file "$work/$partition.txt"
done
stapes tune "$work/words.tflite" --fa_per_hour 3 --suppression_ms 1000 \
  --average_window_duration_ms 200,400,700 \
  --wav "$work/validation.wav" --labels "$work/validation.txt" \
  --verify_wav "$work/testing.wav" --verify_labels "$work/testing.txt" \
  --output_file "$here/model.tflite"
"$here/../card.py" words --data_dir "$corpus" --stream "$work/testing" \
  --about_stream "A word every three seconds, three in ten of them other words, over background, \
as the tutorial mixes it."
