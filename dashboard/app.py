"""The dashboard's navigation. Each page is a file in `views`."""

from pathlib import Path

import streamlit as st

ICON = Path(__file__).parent / "icon.svg"  # a file of ours: browsers would ask another machine for one of Streamlit's own

st.set_page_config(page_title="Callwright", page_icon=ICON, layout="wide")
st.navigation(
    {
        "Calling": [
            st.Page("views/campaigns.py", title="Campaigns", icon=":material/campaign:", default=True),
            st.Page("views/live.py", title="Live", icon=":material/hearing:"),
            st.Page("views/new_campaign.py", title="New campaign", url_path="new_campaign", visibility="hidden"),
            st.Page("views/campaign.py", title="Campaign", url_path="campaign", visibility="hidden"),
            st.Page("views/call.py", title="Call", url_path="call", visibility="hidden"),
        ],
        "Setup": [
            st.Page("views/agents.py", title="Agents", icon=":material/record_voice_over:"),
            st.Page("views/agent.py", title="Agent", url_path="agent", visibility="hidden"),
            st.Page("views/phone_numbers.py", title="Phone Numbers", icon=":material/dialpad:"),
            st.Page("views/do_not_call.py", title="Do Not Call", icon=":material/do_not_disturb_on:"),
        ],
        "Insight": [st.Page("views/analytics.py", title="Analytics", icon=":material/insights:")],
        "Administration": [st.Page("views/settings.py", title="Settings", icon=":material/settings:")],
    }
).run()
