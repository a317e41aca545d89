#!/usr/bin/env bash
# One training on several nodes of a Slurm cluster; docs/distributed.md has more.
#
#   sbatch deploy/slurm.sh --model=wrn28_10 --run_dir=/shared/runs/wrn
#
# What follows the script's name are flags of `cifar10-tf train`. The run
# directory must be on a file system that all nodes share. cifar10-tf must be
# found on each: activate its environment before sbatch, which passes it on.

#SBATCH --job-name=cifar10-tf
#SBATCH --nodes=2
# One process for each node. It uses all GPUs that it sees.
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
# With GPUs remove one # of the next line.
##SBATCH --gpus-per-node=4
#SBATCH --time=04:00:00
# A minute or two before that is over, all processes get SIGUSR1. They save the
# training and end with status 138.
#SBATCH --signal=USR1@60
# The job may be started again, also by Slurm when a node has failed. Its log
# goes on in the same file.
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log

# Since Slurm 22.05 srun does not take --cpus-per-task from sbatch.
export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}

# srun ends with the highest of the processes' statuses. Ten minutes after the
# first has ended it kills those that are still there.
srun --wait=600 cifar10-tf train "$@"
status=$?

# A status of 128 or more means "start me again": there was a signal, or a
# process is gone. The run goes on from its checkpoint. Whatever happens at every
# start is not to happen for ever.
if [ "$status" -ge 128 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 20 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
