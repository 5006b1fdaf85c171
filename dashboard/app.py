"""The dashboard's navigation. Each page is a file in `views`."""

import streamlit as st

st.set_page_config(page_title="Callwright", page_icon=":material/phone_in_talk:", layout="wide")
st.navigation(
    {
        "Calling": [
            st.Page("views/campaigns.py", title="Campaigns", icon=":material/campaign:", default=True),
            st.Page("views/new_campaign.py", title="New campaign", icon=":material/add_circle:"),
            st.Page("views/campaign.py", title="Campaign", url_path="campaign", visibility="hidden"),
            st.Page("views/call.py", title="Call", url_path="call", visibility="hidden"),
        ],
        "House": [st.Page("views/settings.py", title="Settings", icon=":material/settings:")],
    }
).run()
