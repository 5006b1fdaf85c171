"""The dashboard's pages as people use them: by what they read, not by how it is built."""

from pathlib import Path

from playwright.async_api import Locator, Page, expect


class Campaigns:
    """The list of campaigns."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url

    async def open(self) -> None:
        await self.page.goto(self.url)
        await expect(self.page.get_by_role("heading", name="Campaigns", exact=True)).to_be_visible()

    async def open_campaign(self, name: str) -> "Campaign":
        await self.page.get_by_role("link", name=name).click()
        return Campaign(self.page, name)

    async def create(self) -> "NewCampaign":
        await self.page.get_by_role("button", name="Create campaign").click()
        return NewCampaign(self.page)


class NewCampaign:
    """The three steps."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def basics(self, name: str, agent: str, number: str) -> None:
        await self.page.get_by_label("Campaign name", exact=True).fill(name)
        await self._choose("Agent", agent)
        await self._choose("Phone number", number)
        await self.page.get_by_role("button", name="Continue to call settings").click()

    async def call_settings(self, concurrency: int, *, local_hours: bool) -> None:
        await fill_number(self.page, "Concurrency", concurrency)
        if not local_hours:
            await self.page.get_by_text("More: who is called again").click()
            await self.page.get_by_text("Respect the callee's own hours").click()
        await self.page.get_by_role("button", name="Continue to contacts").click()

    async def choose_file(self, file: Path) -> None:
        await self.page.locator("input[type=file]").set_input_files(file)

    async def take_file(self, expected: int) -> None:
        """Imports what the report of the chosen file calls good."""
        await self.page.get_by_role("button", name=f"Import {expected} contact").click()
        await expect(self.page.get_by_text(f"{expected} contacts in this campaign so far")).to_be_visible()

    async def finish(self, name: str) -> "Campaign":
        await self.page.get_by_role("button", name="Review and start").click()
        return Campaign(self.page, name)

    async def _choose(self, label: str, option: str) -> None:
        await self.page.get_by_role("combobox", name=label).click()
        await self.page.get_by_role("option", name=option).first.click()


class Campaign:
    """One campaign."""

    def __init__(self, page: Page, name: str) -> None:
        self.page, self.name = page, name

    async def expect_status(self, status: str, within_s: float = 20) -> None:
        """Waits until the page itself shows the status, without a reload."""
        await expect(self.page.locator(".st-key-campaign_head")).to_contain_text(status, timeout=within_s * 1000)

    async def expect_action(self, action: str) -> None:
        await expect(self.page.get_by_role("button", name=action, exact=True)).to_be_visible()

    async def act(self, action: str) -> None:
        await self.page.get_by_role("button", name=action, exact=True).click()

    async def confirm(self, verb: str) -> None:
        """Says yes to the question that the last action asked."""
        await self.page.get_by_role("dialog").get_by_role("button", name=verb).click()
        await expect(self.page.get_by_role("dialog")).to_have_count(0)

    async def tab(self, name: str) -> None:
        await self.page.get_by_role("tab", name=name).click()
        await expect(self.page.get_by_role("tab", name=name, selected=True)).to_be_visible()

    async def tick(self, contact: str) -> None:
        """Ticks one contact; its box is drawn over by its label. While a table is drawn anew, a row may stand there twice."""
        await expect(self.page.get_by_text(contact)).to_have_count(1)
        await self.page.get_by_text(contact).click()
        await expect(self.page.get_by_role("checkbox", name=contact)).to_be_checked()

    def metric(self, label: str) -> Locator:
        """The value of one figure of the overview."""
        figure = self.page.get_by_test_id("stMetric").filter(has=self.page.get_by_text(label, exact=True))
        return figure.get_by_test_id("stMetricValue")

    async def open_call(self, contact: str) -> None:
        await self.page.get_by_role("link", name=contact).first.click()
        await expect(self.page.get_by_role("heading", name="Conversation")).to_be_visible()


async def sign_in(page: Page, name: str, password: str) -> None:
    """From a page without a session through the sign-in page and back."""
    await page.get_by_role("link", name="Sign in").click()
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def fill_number(page: Page, label: str, value: int) -> None:
    """Types into a number field and leaves it."""
    field = page.get_by_label(label, exact=True)
    await field.fill(str(value))
    await field.press("Enter")


async def settled(page: Page) -> None:
    """Waits until the page is drawn: no run in progress, no placeholder left."""
    await expect(page.get_by_role("heading").first).to_be_visible()
    await expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    await expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
