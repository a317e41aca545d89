"""What Slurm sets for the tasks of a step."""


def environment(
    num_tasks: int,
    rank: int = 0,
    nodes: str = "node1",
    tasks_per_node: str | None = None,
    job: int = 4711,
    step: int = 0,
) -> dict[str, str]:
    """Returns the variables of one task, those left out that nobody reads."""
    return {
        "SLURM_JOB_ID": str(job),
        "SLURM_STEP_ID": str(step),
        "SLURM_PROCID": str(rank),
        "SLURM_STEP_NUM_TASKS": str(num_tasks),
        "SLURM_STEP_NODELIST": nodes,
        "SLURM_STEP_TASKS_PER_NODE": tasks_per_node or str(num_tasks),
    }
