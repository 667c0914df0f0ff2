"""Settings of other trainers (Axolotl, LLaMA-Factory, TRL, PEFT) as settings of assay."""
