"""The files that were imported into a campaign: who brought which, when, what came of it, and the rows that were left out."""

import streamlit as st

from dashboard.commands import commands
from dashboard.data import IMPORTS_SHOWN, data
from dashboard.parts import left_out
from dashboard.rows import Campaign, Import
from dashboard.times import moment, zone
from dashboard.words import md, plural


def imports_list(campaign: Campaign) -> None:
    """Newest first, folded away; nothing where no file was imported."""
    imports = data().imports(campaign.id)
    if not imports:
        return
    many = f"the last {IMPORTS_SHOWN}" if len(imports) == IMPORTS_SHOWN else f"{len(imports)}"
    with st.expander(f"Imported files ({many})", icon=":material/history:"), st.container(gap="xsmall"):
        there = zone(campaign.timezone, st.context.timezone)
        for each in imports:
            with st.container(horizontal=True, vertical_alignment="center", key=f"import_line_{each.id}"):
                brought = f"{moment(each.at, there)}" + (f" by {each.actor}" if each.actor else "")
                name = md(each.file_name) or "A file, its name deleted"
                st.markdown(f"**{name}**: {came_of(each)}  \n:gray[{md(brought)}]", width="stretch")
                if each.refused and each.has_problems:
                    _problems(each)


def came_of(each: Import) -> str:
    """How many rows went in, and how many did not."""
    if not each.kept:
        return f"nothing imported, {plural(each.refused, 'row')} had problems and it was all or nothing"
    without = f", {plural(each.refused, 'row')} left out" if each.refused else ""
    return f"{plural(each.imported, 'contact')} imported{without}"


def _problems(each: Import) -> None:
    api = commands()
    tip, name = f"The rows of {each.file_name} that were left out, and why.", f"import-{each.id}-problems.csv"
    left_out.download("Problems", lambda: api.import_problems(str(each.id)), name, f"import_problems_{each.id}", tip)
