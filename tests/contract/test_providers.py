"""Every provider that is installed declares itself completely, in one file that knows no other provider."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from hotline.alerts.robot_contract import RobotProvider, RobotSettings
from hotline.delivery import registry
from hotline.delivery.gateway_settings import GatewaySettings
from hotline.delivery.model import GatewayKind
from hotline.delivery.provider import GatewayProvider
from hotline.sms.contract import SmsAdapter, SmsProvider, SmsSettings, SupportsListing
from hotline.telephony.contract import Exchange, ExchangeAdapter, ExchangeSettings
from tests.conftest import ROOT
from tests.contract.source import tree_of
from tests.sms.providers import FAR

SHAPES = {
    GatewayKind.SMS: SmsProvider, GatewayKind.VOICE: Exchange, GatewayKind.ORDERS: GatewayProvider,
    GatewayKind.ROBOT: RobotProvider,
}  # fmt: skip
WITH_ADAPTER = (GatewayKind.SMS, GatewayKind.VOICE)
ALL = [(kind, name) for kind in GatewayKind for name in registry.provider_names(kind)]
READS = re.compile(r"(?:settings\.get\(|settings\[|\.setting\()\s*[\"']([a-z_]+)[\"']")
SECRETS = re.compile(r"(?:\.all_of\(|\.newest\()\s*[\"']([a-z_]+)[\"']")
SOURCE = ROOT / "src/hotline"


def file_of(kind: GatewayKind, name: str) -> Path:
    point = registry.installed_providers(kind)[name]
    return Path(inspect.getsourcefile(__import__(point.module, fromlist=["PROVIDER"])) or "")


def module_of(path: Path) -> str:
    return ".".join(("hotline", *path.relative_to(SOURCE).with_suffix("").parts))


def test_every_file_of_ours_is_a_provider_and_is_found_by_its_name() -> None:
    for kind, (_, folder) in registry.GROUPS.items():
        files = {path.stem for path in SOURCE.joinpath(*folder.split(".")[1:]).glob("*.py")} - {"__init__"}
        ours = {
            name
            for name, point in registry.installed_providers(kind).items()
            if registry.package_name(point) == registry.OWN_PACKAGE
        }
        assert files and files == ours, folder
    assert set(registry.provider_names(GatewayKind.SMS)) == set(FAR)  # each has a far side in the tests


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_its_declaration_is_complete(kind: GatewayKind, name: str) -> None:
    declared = registry.find_provider(kind, name, SHAPES[kind])
    assert declared.name == name and registry.NAME_PATTERN.fullmatch(name)
    assert declared.about.strip() and "\n" not in declared.about and len(declared.description()) < 700
    assert issubclass(declared.settings, GatewaySettings)
    assert [n for n, field in declared.settings.model_fields.items() if not field.description] == []
    assert len(set(declared.secret_names)) == len(declared.secrets) > 0
    assert all(re.fullmatch("[a-z_]+", secret) for secret in declared.secret_names)


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, n in ALL if k in WITH_ADAPTER])
def test_its_adapter_has_every_method_with_the_arguments_of_the_contract(kind: GatewayKind, name: str) -> None:
    declared = registry.find_provider(kind, name, SHAPES[kind])
    assert isinstance(declared, SmsProvider | Exchange)
    contract = SmsAdapter if kind is GatewayKind.SMS else ExchangeAdapter
    wanted = [(contract, method) for method in vars(contract) if not method.startswith("_")]
    if isinstance(declared, SmsProvider) and declared.can_list:
        wanted.append((SupportsListing, "since"))
    assert len(wanted) >= 3
    for shape, method in wanted:
        ours, theirs = getattr(shape, method), getattr(declared.adapter, method)
        assert [*inspect.signature(theirs).parameters] == [*inspect.signature(ours).parameters], method


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_what_its_file_reads_is_declared_and_what_it_declares_is_read(kind: GatewayKind, name: str) -> None:
    declared = registry.find_provider(kind, name, GatewayProvider)
    source = file_of(kind, name).read_text(encoding="utf-8")
    reads, hidden = set(READS.findall(source)), set(SECRETS.findall(source))
    assert reads <= set(declared.settings.model_fields), "a setting that nobody can set"
    assert hidden <= set(declared.secret_names), "a secret that nobody can set"
    common = (ExchangeSettings, RobotSettings)  # read by the services of their kind
    own = set(vars(declared.settings)["__annotations__"]) if declared.settings not in common else set()
    elsewhere = {"system", "area", "wanted_certificate"}  # read by the routes of orders, and by the worker
    assert own - reads <= elsewhere, "a setting that nobody reads"


def test_a_setting_that_services_read_is_common_to_its_kind() -> None:
    declared = {file_of(kind, name) for kind, name in ALL}
    read = {
        name
        for path in SOURCE.rglob("*.py")
        if path not in declared and path.name not in ("contract.py", "account.py", "signatures.py")
        for name in READS.findall(path.read_text("utf-8"))
    }
    common = {*SmsSettings.model_fields, *ExchangeSettings.model_fields, *RobotSettings.model_fields, "system", "area"}
    assert len(read) > 5 and read - common == {"certificates", "wanted_certificate"}


def test_no_provider_imports_another_and_sms_and_exchanges_do_not_know_each_other() -> None:
    files = {file_of(kind, name): kind for kind, name in ALL}
    providers = {module_of(path): path for path in files}
    contracts = {GatewayKind.SMS: "hotline.telephony.contract", GatewayKind.VOICE: "hotline.sms.contract"}
    for path, kind in files.items():
        tree = tree_of(path)
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not imported & (set(providers) - {module_of(path)}), path.name
        assert contracts.get(kind, "") not in imported, path.name
