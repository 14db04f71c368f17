const begin = () => {
// \0rolldown/runtime.js
var e = Object.defineProperty, t = (e, t, n) => () => {
	if (n) throw n[0];
	try {
		return e && (t = e(e = 0)), t;
	} catch (e) {
		throw n = [e], e;
	}
}, n = (t, n) => {
	let r = {};
	for (var i in t) e(r, i, {
		get: t[i],
		enumerable: !0
	});
	return n || e(r, Symbol.toStringTag, { value: "Module" }), r;
}, r = globalThis, i = r.ShadowRoot && (r.ShadyCSS === void 0 || r.ShadyCSS.nativeShadow) && "adoptedStyleSheets" in Document.prototype && "replace" in CSSStyleSheet.prototype, a = Symbol(), o = /* @__PURE__ */ new WeakMap(), s = class {
	constructor(e, t, n) {
		if (this._$cssResult$ = !0, n !== a) throw Error("CSSResult is not constructable. Use `unsafeCSS` or `css` instead.");
		this.cssText = e, this.t = t;
	}
	get styleSheet() {
		let e = this.o, t = this.t;
		if (i && e === void 0) {
			let n = t !== void 0 && t.length === 1;
			n && (e = o.get(t)), e === void 0 && ((this.o = e = new CSSStyleSheet()).replaceSync(this.cssText), n && o.set(t, e));
		}
		return e;
	}
	toString() {
		return this.cssText;
	}
}, c = (e) => new s(typeof e == "string" ? e : e + "", void 0, a), l = (e, ...t) => new s(e.length === 1 ? e[0] : t.reduce((t, n, r) => t + ((e) => {
	if (!0 === e._$cssResult$) return e.cssText;
	if (typeof e == "number") return e;
	throw Error("Value passed to 'css' function must be a 'css' function result: " + e + ". Use 'unsafeCSS' to pass non-literal values, but take care to ensure page security.");
})(n) + e[r + 1], e[0]), e, a), u = (e, t) => {
	if (i) e.adoptedStyleSheets = t.map((e) => e instanceof CSSStyleSheet ? e : e.styleSheet);
	else for (let n of t) {
		let t = document.createElement("style"), i = r.litNonce;
		i !== void 0 && t.setAttribute("nonce", i), t.textContent = n.cssText, e.appendChild(t);
	}
}, d = i ? (e) => e : (e) => e instanceof CSSStyleSheet ? ((e) => {
	let t = "";
	for (let n of e.cssRules) t += n.cssText;
	return c(t);
})(e) : e, { is: f, defineProperty: p, getOwnPropertyDescriptor: m, getOwnPropertyNames: ee, getOwnPropertySymbols: te, getPrototypeOf: ne } = Object, re = globalThis, ie = re.trustedTypes, ae = ie ? ie.emptyScript : "", oe = re.reactiveElementPolyfillSupport, h = (e, t) => e, se = {
	toAttribute(e, t) {
		switch (t) {
			case Boolean:
				e = e ? ae : null;
				break;
			case Object:
			case Array: e = e == null ? e : JSON.stringify(e);
		}
		return e;
	},
	fromAttribute(e, t) {
		let n = e;
		switch (t) {
			case Boolean:
				n = e !== null;
				break;
			case Number:
				n = e === null ? null : Number(e);
				break;
			case Object:
			case Array: try {
				n = JSON.parse(e);
			} catch {
				n = null;
			}
		}
		return n;
	}
}, ce = (e, t) => !f(e, t), le = {
	attribute: !0,
	type: String,
	converter: se,
	reflect: !1,
	useDefault: !1,
	hasChanged: ce
};
Symbol.metadata ??= Symbol("metadata"), re.litPropertyMetadata ??= /* @__PURE__ */ new WeakMap();
var g = class extends HTMLElement {
	static addInitializer(e) {
		this._$Ei(), (this.l ??= []).push(e);
	}
	static get observedAttributes() {
		return this.finalize(), this._$Eh && [...this._$Eh.keys()];
	}
	static createProperty(e, t = le) {
		if (t.state && (t.attribute = !1), this._$Ei(), this.prototype.hasOwnProperty(e) && ((t = Object.create(t)).wrapped = !0), this.elementProperties.set(e, t), !t.noAccessor) {
			let n = Symbol(), r = this.getPropertyDescriptor(e, n, t);
			r !== void 0 && p(this.prototype, e, r);
		}
	}
	static getPropertyDescriptor(e, t, n) {
		let { get: r, set: i } = m(this.prototype, e) ?? {
			get() {
				return this[t];
			},
			set(e) {
				this[t] = e;
			}
		};
		return {
			get: r,
			set(t) {
				let a = r?.call(this);
				i?.call(this, t), this.requestUpdate(e, a, n);
			},
			configurable: !0,
			enumerable: !0
		};
	}
	static getPropertyOptions(e) {
		return this.elementProperties.get(e) ?? le;
	}
	static _$Ei() {
		if (this.hasOwnProperty(h("elementProperties"))) return;
		let e = ne(this);
		e.finalize(), e.l !== void 0 && (this.l = [...e.l]), this.elementProperties = new Map(e.elementProperties);
	}
	static finalize() {
		if (this.hasOwnProperty(h("finalized"))) return;
		if (this.finalized = !0, this._$Ei(), this.hasOwnProperty(h("properties"))) {
			let e = this.properties, t = [...ee(e), ...te(e)];
			for (let n of t) this.createProperty(n, e[n]);
		}
		let e = this[Symbol.metadata];
		if (e !== null) {
			let t = litPropertyMetadata.get(e);
			if (t !== void 0) for (let [e, n] of t) this.elementProperties.set(e, n);
		}
		this._$Eh = /* @__PURE__ */ new Map();
		for (let [e, t] of this.elementProperties) {
			let n = this._$Eu(e, t);
			n !== void 0 && this._$Eh.set(n, e);
		}
		this.elementStyles = this.finalizeStyles(this.styles);
	}
	static finalizeStyles(e) {
		let t = [];
		if (Array.isArray(e)) {
			let n = new Set(e.flat(1 / 0).reverse());
			for (let e of n) t.unshift(d(e));
		} else e !== void 0 && t.push(d(e));
		return t;
	}
	static _$Eu(e, t) {
		let n = t.attribute;
		return !1 === n ? void 0 : typeof n == "string" ? n : typeof e == "string" ? e.toLowerCase() : void 0;
	}
	constructor() {
		super(), this._$Ep = void 0, this.isUpdatePending = !1, this.hasUpdated = !1, this._$Em = null, this._$Ev();
	}
	_$Ev() {
		this._$ES = new Promise((e) => this.enableUpdating = e), this._$AL = /* @__PURE__ */ new Map(), this._$E_(), this.requestUpdate(), this.constructor.l?.forEach((e) => e(this));
	}
	addController(e) {
		(this._$EO ??= /* @__PURE__ */ new Set()).add(e), this.renderRoot !== void 0 && this.isConnected && e.hostConnected?.();
	}
	removeController(e) {
		this._$EO?.delete(e);
	}
	_$E_() {
		let e = /* @__PURE__ */ new Map(), t = this.constructor.elementProperties;
		for (let n of t.keys()) this.hasOwnProperty(n) && (e.set(n, this[n]), delete this[n]);
		e.size > 0 && (this._$Ep = e);
	}
	createRenderRoot() {
		let e = this.shadowRoot ?? this.attachShadow(this.constructor.shadowRootOptions);
		return u(e, this.constructor.elementStyles), e;
	}
	connectedCallback() {
		this.renderRoot ??= this.createRenderRoot(), this.enableUpdating(!0), this._$EO?.forEach((e) => e.hostConnected?.());
	}
	enableUpdating(e) {}
	disconnectedCallback() {
		this._$EO?.forEach((e) => e.hostDisconnected?.());
	}
	attributeChangedCallback(e, t, n) {
		this._$AK(e, n);
	}
	_$ET(e, t) {
		let n = this.constructor.elementProperties.get(e), r = this.constructor._$Eu(e, n);
		if (r !== void 0 && !0 === n.reflect) {
			let i = (n.converter?.toAttribute === void 0 ? se : n.converter).toAttribute(t, n.type);
			this._$Em = e, i == null ? this.removeAttribute(r) : this.setAttribute(r, i), this._$Em = null;
		}
	}
	_$AK(e, t) {
		let n = this.constructor, r = n._$Eh.get(e);
		if (r !== void 0 && this._$Em !== r) {
			let e = n.getPropertyOptions(r), i = typeof e.converter == "function" ? { fromAttribute: e.converter } : e.converter?.fromAttribute === void 0 ? se : e.converter;
			this._$Em = r;
			let a = i.fromAttribute(t, e.type);
			this[r] = a ?? this._$Ej?.get(r) ?? a, this._$Em = null;
		}
	}
	requestUpdate(e, t, n, r = !1, i) {
		if (e !== void 0) {
			let a = this.constructor;
			if (!1 === r && (i = this[e]), n ??= a.getPropertyOptions(e), !((n.hasChanged ?? ce)(i, t) || n.useDefault && n.reflect && i === this._$Ej?.get(e) && !this.hasAttribute(a._$Eu(e, n)))) return;
			this.C(e, t, n);
		}
		!1 === this.isUpdatePending && (this._$ES = this._$EP());
	}
	C(e, t, { useDefault: n, reflect: r, wrapped: i }, a) {
		n && !(this._$Ej ??= /* @__PURE__ */ new Map()).has(e) && (this._$Ej.set(e, a ?? t ?? this[e]), !0 !== i || a !== void 0) || (this._$AL.has(e) || (this.hasUpdated || n || (t = void 0), this._$AL.set(e, t)), !0 === r && this._$Em !== e && (this._$Eq ??= /* @__PURE__ */ new Set()).add(e));
	}
	async _$EP() {
		this.isUpdatePending = !0;
		try {
			await this._$ES;
		} catch (e) {
			Promise.reject(e);
		}
		let e = this.scheduleUpdate();
		return e != null && await e, !this.isUpdatePending;
	}
	scheduleUpdate() {
		return this.performUpdate();
	}
	performUpdate() {
		if (!this.isUpdatePending) return;
		if (!this.hasUpdated) {
			if (this.renderRoot ??= this.createRenderRoot(), this._$Ep) {
				for (let [e, t] of this._$Ep) this[e] = t;
				this._$Ep = void 0;
			}
			let e = this.constructor.elementProperties;
			if (e.size > 0) for (let [t, n] of e) {
				let { wrapped: e } = n, r = this[t];
				!0 !== e || this._$AL.has(t) || r === void 0 || this.C(t, void 0, n, r);
			}
		}
		let e = !1, t = this._$AL;
		try {
			e = this.shouldUpdate(t), e ? (this.willUpdate(t), this._$EO?.forEach((e) => e.hostUpdate?.()), this.update(t)) : this._$EM();
		} catch (t) {
			throw e = !1, this._$EM(), t;
		}
		e && this._$AE(t);
	}
	willUpdate(e) {}
	_$AE(e) {
		this._$EO?.forEach((e) => e.hostUpdated?.()), this.hasUpdated || (this.hasUpdated = !0, this.firstUpdated(e)), this.updated(e);
	}
	_$EM() {
		this._$AL = /* @__PURE__ */ new Map(), this.isUpdatePending = !1;
	}
	get updateComplete() {
		return this.getUpdateComplete();
	}
	getUpdateComplete() {
		return this._$ES;
	}
	shouldUpdate(e) {
		return !0;
	}
	update(e) {
		this._$Eq &&= this._$Eq.forEach((e) => this._$ET(e, this[e])), this._$EM();
	}
	updated(e) {}
	firstUpdated(e) {}
};
g.elementStyles = [], g.shadowRootOptions = { mode: "open" }, g[h("elementProperties")] = /* @__PURE__ */ new Map(), g[h("finalized")] = /* @__PURE__ */ new Map(), oe?.({ ReactiveElement: g }), (re.reactiveElementVersions ??= []).push("2.1.2");
// node_modules/lit-html/lit-html.js
var ue = globalThis, de = (e) => e, _ = ue.trustedTypes, fe = _ ? _.createPolicy("lit-html", { createHTML: (e) => e }) : void 0, pe = "$lit$", v = `lit$${Math.random().toFixed(9).slice(2)}$`, me = "?" + v, he = `<${me}>`, y = document, b = () => y.createComment(""), x = (e) => e === null || typeof e != "object" && typeof e != "function", ge = Array.isArray, _e = (e) => ge(e) || typeof e?.[Symbol.iterator] == "function", ve = "[ 	\n\f\r]", S = /<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g, ye = /-->/g, be = />/g, C = RegExp(`>|${ve}(?:([^\\s"'>=/]+)(${ve}*=${ve}*(?:[^ \t\n\f\r"'\`<>=]|("|')|))|$)`, "g"), xe = /'/g, Se = /"/g, Ce = /^(?:script|style|textarea|title)$/i, we = (e) => (t, ...n) => ({
	_$litType$: e,
	strings: t,
	values: n
}), w = we(1), T = we(2), E = Symbol.for("lit-noChange"), D = Symbol.for("lit-nothing"), Te = /* @__PURE__ */ new WeakMap(), O = y.createTreeWalker(y, 129);
function Ee(e, t) {
	if (!ge(e) || !e.hasOwnProperty("raw")) throw Error("invalid template strings array");
	return fe === void 0 ? t : fe.createHTML(t);
}
var De = (e, t) => {
	let n = e.length - 1, r = [], i, a = t === 2 ? "<svg>" : t === 3 ? "<math>" : "", o = S;
	for (let t = 0; t < n; t++) {
		let n = e[t], s, c, l = -1, u = 0;
		for (; u < n.length && (o.lastIndex = u, c = o.exec(n), c !== null);) u = o.lastIndex, o === S ? c[1] === "!--" ? o = ye : c[1] === void 0 ? c[2] === void 0 ? c[3] !== void 0 && (o = C) : (Ce.test(c[2]) && (i = RegExp("</" + c[2], "g")), o = C) : o = be : o === C ? c[0] === ">" ? (o = i ?? S, l = -1) : c[1] === void 0 ? l = -2 : (l = o.lastIndex - c[2].length, s = c[1], o = c[3] === void 0 ? C : c[3] === "\"" ? Se : xe) : o === Se || o === xe ? o = C : o === ye || o === be ? o = S : (o = C, i = void 0);
		let d = o === C && e[t + 1].startsWith("/>") ? " " : "";
		a += o === S ? n + he : l >= 0 ? (r.push(s), n.slice(0, l) + pe + n.slice(l) + v + d) : n + v + (l === -2 ? t : d);
	}
	return [Ee(e, a + (e[n] || "<?>") + (t === 2 ? "</svg>" : t === 3 ? "</math>" : "")), r];
}, Oe = class e {
	constructor({ strings: t, _$litType$: n }, r) {
		let i;
		this.parts = [];
		let a = 0, o = 0, s = t.length - 1, c = this.parts, [l, u] = De(t, n);
		if (this.el = e.createElement(l, r), O.currentNode = this.el.content, n === 2 || n === 3) {
			let e = this.el.content.firstChild;
			e.replaceWith(...e.childNodes);
		}
		for (; (i = O.nextNode()) !== null && c.length < s;) {
			if (i.nodeType === 1) {
				if (i.hasAttributes()) for (let e of i.getAttributeNames()) if (e.endsWith(pe)) {
					let t = u[o++], n = i.getAttribute(e).split(v), r = /([.?@])?(.*)/.exec(t);
					c.push({
						type: 1,
						index: a,
						name: r[2],
						strings: n,
						ctor: r[1] === "." ? Ae : r[1] === "?" ? je : r[1] === "@" ? Me : j
					}), i.removeAttribute(e);
				} else e.startsWith(v) && (c.push({
					type: 6,
					index: a
				}), i.removeAttribute(e));
				if (Ce.test(i.tagName)) {
					let e = i.textContent.split(v), t = e.length - 1;
					if (t > 0) {
						i.textContent = _ ? _.emptyScript : "";
						for (let n = 0; n < t; n++) i.append(e[n], b()), O.nextNode(), c.push({
							type: 2,
							index: ++a
						});
						i.append(e[t], b());
					}
				}
			} else if (i.nodeType === 8) {
				if (i.data === me) c.push({
					type: 2,
					index: a
				});
				else {
					let e = -1;
					for (; (e = i.data.indexOf(v, e + 1)) !== -1;) c.push({
						type: 7,
						index: a
					}), e += v.length - 1;
				}
			}
			a++;
		}
	}
	static createElement(e, t) {
		let n = y.createElement("template");
		return n.innerHTML = e, n;
	}
};
function k(e, t, n = e, r) {
	if (t === E) return t;
	let i = r === void 0 ? n._$Cl : n._$Co?.[r], a = x(t) ? void 0 : t._$litDirective$;
	return i?.constructor !== a && (i?._$AO?.(!1), a === void 0 ? i = void 0 : (i = new a(e), i._$AT(e, n, r)), r === void 0 ? n._$Cl = i : (n._$Co ??= [])[r] = i), i !== void 0 && (t = k(e, i._$AS(e, t.values), i, r)), t;
}
var ke = class {
	constructor(e, t) {
		this._$AV = [], this._$AN = void 0, this._$AD = e, this._$AM = t;
	}
	get parentNode() {
		return this._$AM.parentNode;
	}
	get _$AU() {
		return this._$AM._$AU;
	}
	u(e) {
		let { el: { content: t }, parts: n } = this._$AD, r = (e?.creationScope ?? y).importNode(t, !0);
		O.currentNode = r;
		let i = O.nextNode(), a = 0, o = 0, s = n[0];
		for (; s !== void 0;) {
			if (a === s.index) {
				let t;
				s.type === 2 ? t = new A(i, i.nextSibling, this, e) : s.type === 1 ? t = new s.ctor(i, s.name, s.strings, this, e) : s.type === 6 && (t = new Ne(i, this, e)), this._$AV.push(t), s = n[++o];
			}
			a !== s?.index && (i = O.nextNode(), a++);
		}
		return O.currentNode = y, r;
	}
	p(e) {
		let t = 0;
		for (let n of this._$AV) n !== void 0 && (n.strings === void 0 ? n._$AI(e[t]) : (n._$AI(e, n, t), t += n.strings.length - 2)), t++;
	}
}, A = class e {
	get _$AU() {
		return this._$AM?._$AU ?? this._$Cv;
	}
	constructor(e, t, n, r) {
		this.type = 2, this._$AH = D, this._$AN = void 0, this._$AA = e, this._$AB = t, this._$AM = n, this.options = r, this._$Cv = r?.isConnected ?? !0;
	}
	get parentNode() {
		let e = this._$AA.parentNode, t = this._$AM;
		return t !== void 0 && e?.nodeType === 11 && (e = t.parentNode), e;
	}
	get startNode() {
		return this._$AA;
	}
	get endNode() {
		return this._$AB;
	}
	_$AI(e, t = this) {
		e = k(this, e, t), x(e) ? e === D || e == null || e === "" ? (this._$AH !== D && this._$AR(), this._$AH = D) : e !== this._$AH && e !== E && this._(e) : e._$litType$ === void 0 ? e.nodeType === void 0 ? _e(e) ? this.k(e) : this._(e) : this.T(e) : this.$(e);
	}
	O(e) {
		return this._$AA.parentNode.insertBefore(e, this._$AB);
	}
	T(e) {
		this._$AH !== e && (this._$AR(), this._$AH = this.O(e));
	}
	_(e) {
		this._$AH !== D && x(this._$AH) ? this._$AA.nextSibling.data = e : this.T(y.createTextNode(e)), this._$AH = e;
	}
	$(e) {
		let { values: t, _$litType$: n } = e, r = typeof n == "number" ? this._$AC(e) : (n.el === void 0 && (n.el = Oe.createElement(Ee(n.h, n.h[0]), this.options)), n);
		if (this._$AH?._$AD === r) this._$AH.p(t);
		else {
			let e = new ke(r, this), n = e.u(this.options);
			e.p(t), this.T(n), this._$AH = e;
		}
	}
	_$AC(e) {
		let t = Te.get(e.strings);
		return t === void 0 && Te.set(e.strings, t = new Oe(e)), t;
	}
	k(t) {
		ge(this._$AH) || (this._$AH = [], this._$AR());
		let n = this._$AH, r, i = 0;
		for (let a of t) i === n.length ? n.push(r = new e(this.O(b()), this.O(b()), this, this.options)) : r = n[i], r._$AI(a), i++;
		i < n.length && (this._$AR(r && r._$AB.nextSibling, i), n.length = i);
	}
	_$AR(e = this._$AA.nextSibling, t) {
		for (this._$AP?.(!1, !0, t); e !== this._$AB;) {
			let t = de(e).nextSibling;
			de(e).remove(), e = t;
		}
	}
	setConnected(e) {
		this._$AM === void 0 && (this._$Cv = e, this._$AP?.(e));
	}
}, j = class {
	get tagName() {
		return this.element.tagName;
	}
	get _$AU() {
		return this._$AM._$AU;
	}
	constructor(e, t, n, r, i) {
		this.type = 1, this._$AH = D, this._$AN = void 0, this.element = e, this.name = t, this._$AM = r, this.options = i, n.length > 2 || n[0] !== "" || n[1] !== "" ? (this._$AH = Array(n.length - 1).fill(/* @__PURE__ */ new String()), this.strings = n) : this._$AH = D;
	}
	_$AI(e, t = this, n, r) {
		let i = this.strings, a = !1;
		if (i === void 0) e = k(this, e, t, 0), a = !x(e) || e !== this._$AH && e !== E, a && (this._$AH = e);
		else {
			let r = e, o, s;
			for (e = i[0], o = 0; o < i.length - 1; o++) s = k(this, r[n + o], t, o), s === E && (s = this._$AH[o]), a ||= !x(s) || s !== this._$AH[o], s === D ? e = D : e !== D && (e += (s ?? "") + i[o + 1]), this._$AH[o] = s;
		}
		a && !r && this.j(e);
	}
	j(e) {
		e === D ? this.element.removeAttribute(this.name) : this.element.setAttribute(this.name, e ?? "");
	}
}, Ae = class extends j {
	constructor() {
		super(...arguments), this.type = 3;
	}
	j(e) {
		this.element[this.name] = e === D ? void 0 : e;
	}
}, je = class extends j {
	constructor() {
		super(...arguments), this.type = 4;
	}
	j(e) {
		this.element.toggleAttribute(this.name, !!e && e !== D);
	}
}, Me = class extends j {
	constructor(e, t, n, r, i) {
		super(e, t, n, r, i), this.type = 5;
	}
	_$AI(e, t = this) {
		if ((e = k(this, e, t, 0) ?? D) === E) return;
		let n = this._$AH, r = e === D && n !== D || e.capture !== n.capture || e.once !== n.once || e.passive !== n.passive, i = e !== D && (n === D || r);
		r && this.element.removeEventListener(this.name, this, n), i && this.element.addEventListener(this.name, this, e), this._$AH = e;
	}
	handleEvent(e) {
		typeof this._$AH == "function" ? this._$AH.call(this.options?.host ?? this.element, e) : this._$AH.handleEvent(e);
	}
}, Ne = class {
	constructor(e, t, n) {
		this.element = e, this.type = 6, this._$AN = void 0, this._$AM = t, this.options = n;
	}
	get _$AU() {
		return this._$AM._$AU;
	}
	_$AI(e) {
		k(this, e);
	}
}, Pe = {
	M: pe,
	P: v,
	A: me,
	C: 1,
	L: De,
	R: ke,
	D: _e,
	V: k,
	I: A,
	H: j,
	N: je,
	U: Me,
	B: Ae,
	F: Ne
}, Fe = ue.litHtmlPolyfillSupport;
Fe?.(Oe, A), (ue.litHtmlVersions ??= []).push("3.3.3");
var Ie = (e, t, n) => {
	let r = n?.renderBefore ?? t, i = r._$litPart$;
	if (i === void 0) {
		let e = n?.renderBefore ?? null;
		r._$litPart$ = i = new A(t.insertBefore(b(), e), e, void 0, n ?? {});
	}
	return i._$AI(e), i;
}, Le = globalThis, M = class extends g {
	constructor() {
		super(...arguments), this.renderOptions = { host: this }, this._$Do = void 0;
	}
	createRenderRoot() {
		let e = super.createRenderRoot();
		return this.renderOptions.renderBefore ??= e.firstChild, e;
	}
	update(e) {
		let t = this.render();
		this.hasUpdated || (this.renderOptions.isConnected = this.isConnected), super.update(e), this._$Do = Ie(t, this.renderRoot, this.renderOptions);
	}
	connectedCallback() {
		super.connectedCallback(), this._$Do?.setConnected(!0);
	}
	disconnectedCallback() {
		super.disconnectedCallback(), this._$Do?.setConnected(!1);
	}
	render() {
		return E;
	}
};
M._$litElement$ = !0, M.finalized = !0, Le.litElementHydrateSupport?.({ LitElement: M });
var Re = Le.litElementPolyfillSupport;
Re?.({ LitElement: M }), (Le.litElementVersions ??= []).push("4.2.2");
// node_modules/@lit/reactive-element/decorators/custom-element.js
var N = (e) => (t, n) => {
	n === void 0 ? customElements.define(e, t) : n.addInitializer(() => {
		customElements.define(e, t);
	});
}, ze = {
	attribute: !0,
	type: String,
	converter: se,
	reflect: !1,
	hasChanged: ce
}, Be = (e = ze, t, n) => {
	let { kind: r, metadata: i } = n, a = globalThis.litPropertyMetadata.get(i);
	if (a === void 0 && globalThis.litPropertyMetadata.set(i, a = /* @__PURE__ */ new Map()), r === "setter" && ((e = Object.create(e)).wrapped = !0), a.set(n.name, e), r === "accessor") {
		let { name: r } = n;
		return {
			set(n) {
				let i = t.get.call(this);
				t.set.call(this, n), this.requestUpdate(r, i, e, !0, n);
			},
			init(t) {
				return t !== void 0 && this.C(r, void 0, e, t), t;
			}
		};
	}
	if (r === "setter") {
		let { name: r } = n;
		return function(n) {
			let i = this[r];
			t.call(this, n), this.requestUpdate(r, i, e, !0, n);
		};
	}
	throw Error("Unsupported decorator location: " + r);
};
function P(e) {
	return (t, n) => typeof n == "object" ? Be(e, t, n) : ((e, t, n) => {
		let r = t.hasOwnProperty(n);
		return t.constructor.createProperty(n, e), r ? Object.getOwnPropertyDescriptor(t, n) : void 0;
	})(e, t, n);
}
// node_modules/@lit/reactive-element/decorators/state.js
function F(e) {
	return P({
		...e,
		state: !0,
		attribute: !1
	});
}
// src/format.ts
var Ve = new Intl.NumberFormat("en-KE", {
	minimumFractionDigits: 2,
	maximumFractionDigits: 2
}), He = new Intl.NumberFormat("en-KE", { maximumFractionDigits: 0 }), Ue = new Intl.NumberFormat("en-KE", {
	minimumFractionDigits: 2,
	maximumFractionDigits: 2
}), We = new Intl.NumberFormat("en-KE", {
	minimumFractionDigits: 1,
	maximumFractionDigits: 1
}), I = (e) => `KES ${Ve.format(e)}`, L = (e, t = !1) => (t && e > 0 ? "+" : "") + Ve.format(e).replace("-", "−"), Ge = (e) => He.format(e);
function R(e) {
	return Math.abs(e) < 1 ? `${He.format(e * 1e3)} Wh`.replace("-", "−") : `${(Math.abs(e) < 10 ? Ue : We).format(e)} kWh`.replace("-", "−");
}
function Ke(e) {
	return Math.abs(e) < 1e3 ? `${He.format(e)} W` : `${Ue.format(e / 1e3)} kW`;
}
var qe = class {
	#e;
	#t;
	#n;
	constructor(e, t) {
		this.#e = new Intl.DateTimeFormat("en-GB", {
			hour: "2-digit",
			minute: "2-digit",
			timeZone: t
		}), this.#n = new Intl.DateTimeFormat(e === "sw" ? "sw" : "en-GB", {
			weekday: "short",
			timeZone: t
		}), this.#t = new Intl.DateTimeFormat(e === "sw" ? "sw" : "en-GB", {
			weekday: "short",
			day: "numeric",
			month: "short",
			timeZone: t
		});
	}
	clock(e) {
		return this.#e.format(e * 1e3);
	}
	day(e) {
		return this.#t.format(e * 1e3);
	}
	tick(e) {
		return this.hour(e) === 0 ? this.#n.format(e * 1e3) : this.clock(e);
	}
	hour(e) {
		return Number(this.clock(e).slice(0, 2));
	}
}, Je = {
	no_household: "No household of Energy Swap is set up yet. Add it under Settings, Devices & services.",
	household: "Household",
	first_household: "Empty: the first there is.",
	title: "Title",
	own_title: "Empty: the card's own.",
	close: "Close",
	cancel: "Cancel",
	busy: "One moment…",
	save: "Save",
	saved: "Saved.",
	loading: "Loading…",
	fill_in: "Fill in: {field}",
	balance: "Your money",
	held: "{amount} more is held by your orders",
	earned_today: "Earned today",
	saved_today: "Saved today",
	earned_month: "Earned this month",
	tokens: "Energy to sell",
	gives_now: "Gives {power} to the neighbours now",
	takes_now: "Takes {power} now",
	sun_now: "{power} from the sun",
	hub_away: "Hub away: amounts may be old",
	meter_silent: "Meter is silent",
	advice_hold: "Nothing to do",
	advice_sell: "Sell",
	advice_buy: "Buy",
	top_up: "Top up",
	top_up_means: "M-Pesa sends a prompt to your phone; your PIN pays it.",
	send_prompt: "Send the prompt",
	prompt_sent: "Look at your phone and enter your M-Pesa PIN. The money is here when M-Pesa has confirmed it.",
	amount: "Amount",
	pay_out: "Pay out",
	pay_out_means: "To your M-Pesa. You have {amount}; M-Pesa's fee is taken from it.",
	all_if_empty: "Empty: all of it.",
	paid_out: "{amount} are on their way to your phone.",
	market: "Market",
	no_price: "No trade yet",
	last_price: "last period",
	below_week: "{percent} % below the week",
	above_week: "{percent} % above the week",
	like_week: "like the week's average",
	price_was: "Price",
	price_expected: "Expected",
	price_chart: "Price per kWh yesterday, today and as expected",
	offered: "Neighbours offer",
	wanted: "Neighbours want",
	nothing_now: "nothing now",
	sell: "Sell",
	buy: "Buy",
	my_prices: "My two prices",
	my_prices_means: "They count for every period until you change them. An empty price: not on that side.",
	my_orders: "My orders",
	order_sell: "Sells {energy} for at least {price}",
	order_buy: "Buys {energy} for at most {price}",
	cancel_order: "Take back",
	sell_means: "You have {energy} to sell. The order rests in the market until somebody buys, or you take it back.",
	nothing_to_sell: "You have {energy} to sell; 0.1 kWh is the least. What nobody buys in a period becomes yours to sell here.",
	buy_means: "You pay from your money here; fees come on top of the price.",
	energy: "Energy",
	at_least: "Sell for at least",
	at_most: "Buy for at most",
	suggested: "Suggested: {price}",
	comes_to_at_least: "At least {amount}",
	comes_to_at_most: "At most {amount} and fees",
	sold_all: "Sold {energy}.",
	bought_all: "Bought {energy}.",
	order_rests: "{filled} traded at once; {rest} rest in the market.",
	forecast: "Forecast",
	surplus: "Surplus",
	production: "Sun",
	consumption: "Use",
	today: "Today",
	tomorrow: "Tomorrow",
	spare_today: "To spare today",
	spare_tomorrow: "Tomorrow",
	what_to_show: "What to show",
	confidence: "{percent} % sure",
	forecast_chart: "{what} for the next two days, with the band of what is likely",
	from_live: "With today's weather forecast.",
	from_cached: "With a weather forecast of some hours ago.",
	from_history: "From this home's own days, without weather.",
	from_prior: "From homes like this one; it learns as readings come in.",
	made_at: "Made at {when}.",
	history: "History",
	periods: "{count} {count|period|periods}",
	no_history: "No period has been settled yet.",
	row_gave: "gave {energy}",
	row_took: "took {energy}",
	row_sold: "sold {energy}",
	row_bought: "bought {energy}"
}, Ye = {
	en: Je,
	sw: {
		no_household: "Hakuna kaya ya Energy Swap iliyowekwa bado. Iongeze katika Mipangilio, Vifaa na huduma.",
		household: "Kaya",
		first_household: "Tupu: ya kwanza iliyopo.",
		title: "Kichwa",
		own_title: "Tupu: kile cha kadi yenyewe.",
		close: "Funga",
		cancel: "Ghairi",
		busy: "Subiri kidogo…",
		save: "Hifadhi",
		saved: "Imehifadhiwa.",
		loading: "Inapakia…",
		fill_in: "Jaza: {field}",
		balance: "Pesa zako",
		held: "{amount} zaidi zimeshikiliwa na maagizo yako",
		earned_today: "Mapato ya leo",
		saved_today: "Akiba ya leo",
		earned_month: "Mapato ya mwezi",
		tokens: "Umeme wa kuuza",
		gives_now: "Inawapa majirani {power} sasa",
		takes_now: "Inachukua {power} sasa",
		sun_now: "{power} kutoka juani",
		hub_away: "Kituo hakipo: kiasi huenda ni cha zamani",
		meter_silent: "Mita iko kimya",
		advice_hold: "Hakuna la kufanya",
		advice_sell: "Uza",
		advice_buy: "Nunua",
		top_up: "Ongeza pesa",
		top_up_means: "M-Pesa inatuma ombi kwa simu yako; PIN yako inalipa.",
		send_prompt: "Tuma ombi",
		prompt_sent: "Angalia simu yako, weka PIN ya M-Pesa. Pesa zitakuwa hapa M-Pesa ikithibitisha.",
		amount: "Kiasi",
		pay_out: "Toa pesa",
		pay_out_means: "Kwa M-Pesa yako. Una {amount}; ada ya M-Pesa inakatwa humo.",
		all_if_empty: "Ukiacha wazi: zote.",
		paid_out: "{amount} ziko njiani kwa simu yako.",
		market: "Soko",
		no_price: "Bado hakuna biashara",
		last_price: "kipindi kilichopita",
		below_week: "{percent} % chini ya wiki",
		above_week: "{percent} % juu ya wiki",
		like_week: "kama wastani wa wiki",
		price_was: "Bei",
		price_expected: "Inayotarajiwa",
		price_chart: "Bei kwa kWh jana, leo na inavyotarajiwa",
		offered: "Majirani wanauza",
		wanted: "Majirani wanataka",
		nothing_now: "hakuna sasa",
		sell: "Uza",
		buy: "Nunua",
		my_prices: "Bei zangu mbili",
		my_prices_means: "Zinatumika kila kipindi hadi uzibadilishe. Bei ikiwa wazi: hufanyi biashara upande huo.",
		my_orders: "Maagizo yangu",
		order_sell: "Inauza {energy} kwa angalau {price}",
		order_buy: "Inanunua {energy} kwa si zaidi ya {price}",
		cancel_order: "Ondoa",
		sell_means: "Una {energy} za kuuza. Agizo linabaki sokoni hadi mtu anunue, au uliondoe.",
		nothing_to_sell: "Una {energy} za kuuza; kiasi cha chini ni kWh 0.1. Kisichonunuliwa katika kipindi kinakuwa chako kuuza hapa.",
		buy_means: "Unalipa kutoka pesa zako hapa; ada huongezwa juu ya bei.",
		energy: "Umeme",
		at_least: "Uza kwa angalau",
		at_most: "Nunua kwa si zaidi ya",
		suggested: "Pendekezo: {price}",
		comes_to_at_least: "Angalau {amount}",
		comes_to_at_most: "Si zaidi ya {amount} na ada",
		sold_all: "Umeuza {energy}.",
		bought_all: "Umenunua {energy}.",
		order_rests: "{filled} zimeuzwa mara moja; {rest} zinabaki sokoni.",
		forecast: "Utabiri",
		surplus: "Ziada",
		production: "Jua",
		consumption: "Matumizi",
		today: "Leo",
		tomorrow: "Kesho",
		spare_today: "Ziada ya leo",
		spare_tomorrow: "Kesho",
		what_to_show: "Cha kuonyesha",
		confidence: "Uhakika {percent} %",
		forecast_chart: "{what} kwa siku mbili zijazo, pamoja na mipaka ya uwezekano",
		from_live: "Kwa utabiri wa hali ya hewa wa leo.",
		from_cached: "Kwa utabiri wa hali ya hewa wa saa zilizopita.",
		from_history: "Kutoka siku za nyumba hii, bila hali ya hewa.",
		from_prior: "Kutoka nyumba kama hii; hujifunza vipimo vinapoingia.",
		made_at: "Umetengenezwa {when}.",
		history: "Historia",
		periods: "{count|kipindi|vipindi} {count}",
		no_history: "Hakuna kipindi kilichokamilika bado.",
		row_gave: "ulitoa {energy}",
		row_took: "ulichukua {energy}",
		row_sold: "imeuza {energy}",
		row_bought: "imenunua {energy}"
	}
}, z = (e, t = navigator.language) => e.startsWith("en") && t.startsWith("sw") ? "sw" : e;
function B(e) {
	let t = Ye[e.slice(0, 2)] ?? Je;
	return (e, n = {}) => t[e].replace(/\{(\w+)\|([^|}]*)\|([^}]*)\}/g, (e, t, r, i) => n[t] === 1 ? r : i).replace(/\{(\w+)\}/g, (e, t) => String(n[t] ?? e));
}
// src/texts.ts
var Xe = "energy_swap";
async function Ze(e, t, n) {
	let { resources: r } = await e.callWS({
		type: "frontend/get_translations",
		language: t,
		category: n,
		integration: [Xe]
	}), i = `component.${Xe}.${n}.`;
	return Object.fromEntries(Object.entries(r).map(([e, t]) => [e.slice(i.length), t]));
}
var Qe = (e, t) => e.replace(/\{(\w+)\}/g, (e, n) => t[n] ?? e);
function $e(e, t) {
	let n = (t) => e.attribute("recommendation", t), r = (e, t) => Number(n(e) ?? 0).toFixed(t), i = t[`advice_${String(n("key"))}`];
	if (i !== void 0) return Qe(i, {
		energy: r("energy", 1),
		price: r("price", 2),
		gain: r("gain", 2)
	});
	let a = n("reason");
	return typeof a == "string" ? a : "";
}
var et = (e) => typeof e == "object" && !!e && "translation_domain" in e && e.translation_domain === Xe && "translation_key" in e && typeof e.translation_key == "string";
function V(e) {
	return typeof e == "object" && e && "message" in e && typeof e.message == "string" ? e.message : String(e);
}
async function tt(e, t, n) {
	if (!et(n)) return V(n);
	try {
		let r = (await Ze(e, t, "exceptions"))[`${n.translation_key}.message`];
		return r === void 0 ? V(n) : Qe(r, n.translation_placeholders ?? {});
	} catch {
		return V(n);
	}
}
// src/remote.ts
var H = class {
	#e;
	#t;
	#n;
	constructor(e, t, n) {
		this.host = e, this.ask = t, this.everySeconds = n, this.problem = "", this.#e = 0, this.#t = 0, this.#n = !1, e.addController(this);
	}
	hostConnected() {
		this.#n = !0, this.#e = window.setInterval(() => {
			document.visibilityState === "visible" && this.refresh();
		}, this.everySeconds * 1e3);
	}
	hostDisconnected() {
		this.#n = !1, window.clearInterval(this.#e);
	}
	hostUpdated() {
		this.#t === 0 && this.#n && this.refresh();
	}
	forget() {
		this.#t !== 0 && (this.value = void 0, this.problem = "", this.refresh());
	}
	async refresh() {
		let e = this.ask();
		if (e === null) return;
		let t = this.#t += 1;
		try {
			let n = await e;
			if (t !== this.#t) return;
			this.value = n, this.problem = "";
		} catch (e) {
			if (t !== this.#t) return;
			this.problem = V(e);
		}
		this.host.requestUpdate();
	}
}, U = l`
  :host {
    --sell: var(--energy-solar-color, #e69500);
    --buy: var(--energy-grid-consumption-color, #3f7fc4);
    /* Home Assistant's own green, red and blue are too faint to be read as small text, or beneath it. */
    --good: color-mix(in srgb, var(--success-color, #2e7d32) 60%, var(--primary-text-color, #141414));
    --bad: color-mix(in srgb, var(--error-color, #c62828) 70%, var(--primary-text-color, #141414));
    --press: color-mix(in srgb, var(--primary-color, #009ac7) 78%, #000);
    --soft: var(--secondary-text-color, #5f6368);
    --line: var(--divider-color, rgb(0 0 0 / 12%));
    display: block;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  ha-card {
    height: 100%;
    display: flex;
    flex-direction: column;
    overflow: hidden;
    color: var(--primary-text-color);
  }
  .head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    flex-wrap: wrap;
    gap: 4px 12px;
    padding: 14px 16px 0;
  }
  h2 {
    margin: 0;
    font-size: 16px;
    font-weight: 600;
    line-height: 1.3;
  }
  .body {
    padding: 10px 16px 16px;
    display: grid;
    gap: 14px;
    min-width: 0;
  }
  p {
    margin: 0;
  }
  .soft {
    color: var(--soft);
    font-size: 13px;
  }
  .number {
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .problem {
    color: var(--bad);
    font-size: 14px;
  }
  .pill {
    border-radius: 999px;
    padding: 2px 10px;
    font-size: 12.5px;
    font-weight: 500;
    white-space: nowrap;
    background: color-mix(in srgb, var(--soft) 14%, transparent);
  }
  .pill.good {
    color: var(--good);
    background: color-mix(in srgb, var(--good) 14%, transparent);
  }
  .pill.bad {
    color: var(--bad);
    background: color-mix(in srgb, var(--bad) 14%, transparent);
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }
  button {
    font: inherit;
    font-size: 14px;
    font-weight: 500;
    min-height: 44px;
    padding: 0 16px;
    border-radius: 12px;
    border: 1px solid var(--line);
    background: transparent;
    color: inherit;
    cursor: pointer;
  }
  button:hover:not(:disabled) {
    background: color-mix(in srgb, currentcolor 8%, transparent);
  }
  button:disabled {
    opacity: 0.5;
    cursor: default;
  }
  button.primary {
    background: var(--press);
    border-color: var(--press);
    color: var(--text-primary-color, #fff);
  }
  .actions > button {
    flex: 1 1 auto;
  }
  :focus-visible {
    outline: 2px solid var(--primary-color);
    outline-offset: 2px;
  }
  .hidden-text {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`, nt = "energy_swap", rt = class extends Error {};
function it(e) {
	let t = /* @__PURE__ */ new Set();
	for (let n of Object.values(e.entities)) n?.platform === nt && n.translation_key === "kes_balance" && n.device_id && t.add(n.device_id);
	return [...t];
}
var at = class {
	#e;
	constructor(e, t) {
		this.hass = e, this.device = t, this.#e = /* @__PURE__ */ new Map();
		for (let n of Object.values(e.entities)) n?.platform === nt && n.device_id === t && n.translation_key && this.#e.set(n.translation_key, n.entity_id);
	}
	get name() {
		let e = this.hass.devices[this.device];
		return e?.name_by_user ?? e?.name ?? "";
	}
	entity(e) {
		return this.#e.get(e);
	}
	state(e) {
		let t = this.entity(e);
		return t === void 0 ? void 0 : this.hass.states[t];
	}
	text(e) {
		let t = this.state(e)?.state;
		return t === void 0 || t === "unknown" || t === "unavailable" ? null : t;
	}
	number(e) {
		let t = this.text(e), n = t === null ? NaN : Number(t);
		return Number.isFinite(n) ? n : null;
	}
	attribute(e, t) {
		return this.state(e)?.attributes[t];
	}
	isHere(e) {
		let t = this.state(e)?.state;
		return t !== void 0 && t !== "unavailable";
	}
	async act(e, t = {}) {
		return this.#t(nt, e, t, { device_id: this.device }, !0);
	}
	async use(e, t, n, r = {}) {
		let i = this.entity(e);
		i !== void 0 && await this.#t(t, n, r, { entity_id: i }, !1);
	}
	async #t(e, t, n, r, i) {
		try {
			return (await this.hass.callWS({
				type: "call_service",
				domain: e,
				service: t,
				service_data: n,
				target: r,
				return_response: i
			})).response;
		} catch (e) {
			throw new rt(await tt(this.hass, z(this.hass.language), e));
		}
	}
};
// \0@oxc-project+runtime@0.156.0/helpers/esm/decorate.js
function W(e, t, n, r) {
	var i = arguments.length, a = i < 3 ? t : r === null ? r = Object.getOwnPropertyDescriptor(t, n) : r, o;
	if (typeof Reflect == "object" && typeof Reflect.decorate == "function") a = Reflect.decorate(e, t, n, r);
	else for (var s = e.length - 1; s >= 0; s--) (o = e[s]) && (a = (i < 3 ? o(a) : i > 3 ? o(t, n, a) : o(t, n)) || a);
	return i > 3 && a && Object.defineProperty(t, n, a), a;
}
// src/parts/form-dialog.ts
var G = class extends M {
	constructor(...e) {
		super(...e), this.values = {}, this.problem = "", this.done = "", this.isBusy = !1, this.#n = () => {
			this.renderRoot.querySelector("dialog")?.close();
		}, this.#r = async (e) => {
			if (e.preventDefault(), this.isBusy) return;
			let t = this.form.fields.find((e) => !e.isOptional && this.values[e.name] === void 0);
			if (t) this.problem = this.say("fill_in", { field: t.label });
			else {
				this.isBusy = !0, this.problem = "";
				try {
					this.done = await this.form.act(this.values);
				} catch (e) {
					this.problem = V(e);
				} finally {
					this.isBusy = !1;
				}
			}
		};
	}
	static {
		this.styles = [U, l`
      dialog {
        width: min(420px, calc(100vw - 24px));
        border: 0;
        border-radius: 20px;
        padding: 20px;
        background: var(--card-background-color, #fff);
        color: var(--primary-text-color);
        box-shadow: 0 16px 60px rgb(0 0 0 / 30%);
      }
      dialog::backdrop {
        background: rgb(0 0 0 / 45%);
      }
      h2 {
        font-size: 20px;
      }
      form {
        display: grid;
        gap: 14px;
        margin-top: 14px;
      }
      label {
        display: block;
        font-size: 14px;
        font-weight: 500;
        margin-bottom: 6px;
      }
      .field {
        display: flex;
        align-items: center;
        gap: 10px;
      }
      input {
        font: inherit;
        font-size: 18px;
        font-variant-numeric: tabular-nums;
        width: 100%;
        min-height: 48px;
        padding: 0 12px;
        border-radius: 12px;
        border: 1px solid var(--line);
        background: var(--secondary-background-color, #f5f5f5);
        color: inherit;
      }
      .unit {
        flex: none;
        color: var(--soft);
      }
      .hint {
        margin-top: 6px; /* clear of the ring around a field in focus */
      }
      .sum {
        font-size: 18px;
        font-weight: 600;
      }
      .done {
        display: grid;
        gap: 16px;
        margin-top: 14px;
      }
    `];
	}
	willUpdate() {
		if (!this.hasUpdated) for (let e of this.form.fields) typeof e.value == "number" && (this.values[e.name] = e.value);
	}
	firstUpdated() {
		this.renderRoot.querySelector("dialog")?.showModal(), this.renderRoot.querySelector("input")?.select();
	}
	updated(e) {
		e.has("done") && this.done && this.renderRoot.querySelector(".done button")?.focus();
	}
	render() {
		return w`<dialog aria-labelledby="title" @close=${() => this.dispatchEvent(new CustomEvent("closed"))}>
      <h2 id="title">${this.form.title}</h2>
      ${this.done ? w`<div class="done"><p role="status">${this.done}</p><button class="primary" @click=${this.#n}>${this.say("close")}</button></div>` : this.#e()}
    </dialog>`;
	}
	#e() {
		let { lead: e, fields: t, go: n, sum: r } = this.form;
		return w`<p class="soft">${e}</p>
      <form novalidate @submit=${this.#r}>
        ${t.map((e) => this.#t(e))}
        ${r ? w`<p class="sum number" aria-live="polite">${r(this.values)}</p>` : D}
        ${this.problem ? w`<p class="problem" role="alert">${this.problem}</p>` : D}
        <div class="actions">
          ${n === void 0 ? D : w`<button class="primary" type="submit" ?disabled=${this.isBusy}>${this.isBusy ? this.say("busy") : n}</button>`}
          <button type="button" @click=${this.#n}>${this.say(n === void 0 ? "close" : "cancel")}</button>
        </div>
      </form>`;
	}
	#t(e) {
		return w`<div>
      <label for=${e.name}>${e.label}</label>
      <div class="field">
        <input
          id=${e.name}
          type="number"
          inputmode="decimal"
          step=${e.step}
          min=${e.min}
          max=${e.max ?? D}
          ?required=${!e.isOptional}
          aria-describedby=${e.hint ? `${e.name}-unit ${e.name}-hint` : `${e.name}-unit`}
          .value=${typeof e.value == "number" ? String(e.value) : ""}
          @input=${(t) => {
			let { valueAsNumber: n } = t.target, r = Object.entries(this.values).filter(([t]) => t !== e.name);
			this.values = Object.fromEntries(Number.isNaN(n) ? r : [...r, [e.name, n]]);
		}}
        />
        <span class="unit" id="${e.name}-unit">${e.unit}</span>
      </div>
      ${e.hint ? w`<p class="soft hint" id="${e.name}-hint">${e.hint}</p>` : D}
    </div>`;
	}
	#n;
	#r;
};
W([P({ attribute: !1 })], G.prototype, "form", void 0), W([P({ attribute: !1 })], G.prototype, "say", void 0), W([F()], G.prototype, "values", void 0), W([F()], G.prototype, "problem", void 0), W([F()], G.prototype, "done", void 0), W([F()], G.prototype, "isBusy", void 0), G = W([N("energy-swap-form-dialog")], G);
// src/cards/card.ts
var K = class extends M {
	constructor(...e) {
		super(...e), this.form = null, this.say = B("en"), this.times = new qe("en", "UTC"), this.#e = "", this.#t = [];
	}
	static {
		this.styles = [U];
	}
	static getConfigForm() {
		let e = B(z(document.documentElement.lang || "en"));
		return {
			schema: [{
				name: "device_id",
				selector: { device: { integration: "energy_swap" } }
			}, {
				name: "title",
				selector: { text: {} }
			}],
			computeLabel: ({ name: t }) => e(t === "title" ? "title" : "household"),
			computeHelper: ({ name: t }) => e(t === "title" ? "own_title" : "first_household")
		};
	}
	static getStubConfig() {
		return {};
	}
	#e;
	#t;
	#n;
	setConfig(e) {
		if (e.device_id !== void 0 && typeof e.device_id != "string") throw Error("device_id is the id of a household's device");
		let t = this.config !== void 0 && this.config.device_id !== e.device_id;
		if (this.config = e, this.#n = void 0, t) for (let e of this.#t) e.forget();
	}
	addController(e) {
		super.addController(e), e instanceof H && this.#t.push(e);
	}
	getCardSize() {
		return 5;
	}
	getGridOptions() {
		return {
			columns: 12,
			rows: "auto",
			min_columns: 6
		};
	}
	get household() {
		if (this.#n?.hass !== this.hass) {
			let e = this.config?.device_id ?? it(this.hass)[0];
			this.#n = {
				hass: this.hass,
				found: e === void 0 ? void 0 : new at(this.hass, e)
			};
		}
		return this.#n.found;
	}
	willUpdate() {
		let e = `${this.hass.language} ${this.hass.config.time_zone}`;
		e !== this.#e && (this.#e = e, this.say = B(z(this.hass.language)), this.times = new qe(z(this.hass.language), this.hass.config.time_zone));
	}
	shouldUpdate() {
		return this.hass !== void 0 && this.config !== void 0;
	}
	render() {
		let e = this.household;
		return w`<ha-card>
      ${e === void 0 ? w`<div class="body"><p>${this.say("no_household")}</p></div>` : w`${this.show(e)}${this.form === null ? D : w`<energy-swap-form-dialog
                .form=${this.form}
                .say=${this.say}
                @closed=${() => {
			this.form = null;
		}}
              ></energy-swap-form-dialog>`}`}
    </ha-card>`;
	}
	ask(e) {
		this.form = e;
	}
	renderHead(e, t = D) {
		return w`<div class="head"><h2>${this.config?.title ?? e}</h2>${t}</div>`;
	}
};
W([P({ attribute: !1 })], K.prototype, "hass", void 0), W([F()], K.prototype, "config", void 0), W([F()], K.prototype, "form", void 0);
function ot(e, t, n) {
	let r = window;
	r.customCards ??= [], r.customCards.push({
		type: e,
		name: t,
		description: n,
		preview: !0
	});
}
// src/cards/money-card.ts
var st = 86400, ct = class extends K {
	static {
		this.styles = [U, l`
      .balance {
        font-size: 34px;
        font-weight: 700;
        letter-spacing: -0.02em;
        line-height: 1.1;
      }
      .facts {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 8px;
      }
      .facts > div {
        background: color-mix(in srgb, var(--soft) 9%, transparent);
        border-radius: 12px;
        padding: 10px 12px;
        min-width: 0;
      }
      .facts b {
        display: block;
        font-size: 18px;
        font-weight: 600;
      }
      .gain {
        color: var(--good);
      }
      .flow {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 16px;
        font-size: 15px;
      }
      .advice {
        border-left: 3px solid var(--primary-color);
        padding: 2px 0 2px 12px;
        display: grid;
        gap: 2px;
      }
      .advice.sell {
        border-color: var(--sell);
      }
      .advice.buy {
        border-color: var(--buy);
      }
    `];
	}
	#e = new H(this, () => {
		let e = z(this.hass.language);
		return e.startsWith("en") ? Promise.resolve({}) : Ze(this.hass, e, "common");
	}, st);
	show(e) {
		let t = e.number("kes_balance"), n = e.number("kes_held") ?? 0;
		return w`${this.renderHead(e.name, this.#t(e))}
      <div class="body">
        <div>
          <p class="soft">${this.say("balance")}</p>
          <p class="balance number">${t === null ? "–" : I(t)}</p>
          ${n > 0 ? w`<p class="soft">${this.say("held", { amount: I(n) })}</p>` : D}
        </div>
        <div class="facts">
          ${this.#n("earned_today", e)} ${this.#n("saved_today", e)} ${this.#n("earned_month", e)}
          ${this.#r(e)}
        </div>
        ${this.#i(e)} ${this.#a(e)}
        <div class="actions">
          <button
            class="primary"
            @click=${() => {
			this.#o(e);
		}}
          >
            ${this.say("top_up")}
          </button>
          <button
            ?disabled=${t === null || t <= 0}
            @click=${() => {
			this.#s(e, t ?? 0);
		}}
          >
            ${this.say("pay_out")}
          </button>
        </div>
      </div>`;
	}
	#t(e) {
		return e.text("hub_connection") === "off" ? w`<span class="pill bad">${this.say("hub_away")}</span>` : e.text("meter") === "off" ? w`<span class="pill bad">${this.say("meter_silent")}</span>` : D;
	}
	#n(e, t) {
		let n = t.number(e);
		return n === null ? D : w`<div><span class="soft">${this.say(e)}</span><b class="number ${n > 0 ? "gain" : ""}">${L(n, !0)}</b></div>`;
	}
	#r(e) {
		let t = e.number("token_balance");
		return t === null ? D : w`<div><span class="soft">${this.say("tokens")}</span><b class="number">${R(t)}</b></div>`;
	}
	#i(e) {
		let t = e.number("net_power"), n = e.number("generation_power");
		return t === null ? D : w`<p class="flow">
      <span>${this.say(t < 0 ? "gives_now" : "takes_now", { power: Ke(Math.abs(t)) })}</span>
      ${n === null || n <= 0 ? D : w`<span class="soft">${this.say("sun_now", { power: Ke(n) })}</span>`}
    </p>`;
	}
	#a(e) {
		let t = e.text("recommendation"), n = $e(e, this.#e.value ?? {});
		return t === null ? D : w`<div class="advice ${t}">
      <b>${this.say(`advice_${t}`)}</b>
      ${n === "" ? D : w`<span class="soft">${n}</span>`}
    </div>`;
	}
	#o(e) {
		this.ask({
			title: this.say("top_up"),
			lead: this.say("top_up_means"),
			go: this.say("send_prompt"),
			fields: [{
				name: "amount",
				label: this.say("amount"),
				unit: "KES",
				value: 200,
				step: 1,
				min: 1,
				max: 25e4
			}],
			act: async (t) => (await e.act("top_up", t), this.say("prompt_sent"))
		});
	}
	#s(e, t) {
		this.ask({
			title: this.say("pay_out"),
			lead: this.say("pay_out_means", { amount: I(t) }),
			go: this.say("pay_out"),
			fields: [{
				name: "amount",
				label: this.say("amount"),
				unit: "KES",
				step: 1,
				min: 10,
				max: Math.floor(t),
				isOptional: !0,
				hint: this.say("all_if_empty")
			}],
			act: async (n) => {
				let r = await e.act("pay_out", n);
				return this.say("paid_out", { amount: I(r.kes ?? n.amount ?? t) });
			}
		});
	}
};
ct = W([N("energy-swap-money-card")], ct), ot("energy-swap-money-card", "Energy Swap: money and energy", "What you have, earned and saved, what the meter does now, top up and pay out.");
// src/scale.ts
function lt(e, t = 4) {
	let n = Math.min(0, ...e), r = Math.max(0, ...e), i = (r - n || 1) / Math.max(1, t - 1), a = 10 ** Math.floor(Math.log10(i)), o = [
		1,
		2,
		2.5,
		5,
		10
	].map((e) => e * a).find((e) => e >= i) ?? 10 * a, s = Math.floor(n / o), c = Math.max(s + 1, Math.ceil(r / o));
	return Array.from({ length: c - s + 1 }, (e, t) => Number(((s + t) * o).toPrecision(12)));
}
var ut = (e, { from: t, to: n }, r) => (e - t) / (n - t || 1) * r;
function dt(e, t, n) {
	let r = n / (e.to - e.from) * 6 * 3600 < 46 ? 12 : 6, i = [];
	for (let n = Math.ceil(e.from / 3600) * 3600; n <= e.to; n += 3600) t(n) % r === 0 && i.push(n);
	return i;
}
function ft(e, t, n, r = 0) {
	let i = [], a = !1;
	for (let { at: o, mid: s, hold: c = r } of e) s === null ? a = !1 : (i.push(`${a ? "L" : "M"}${q(t(o))} ${q(n(s))}`), c > 0 && i.push(`L${q(t(o + c))} ${q(n(s))}`), a = !0);
	return i.join("");
}
function pt(e, t, n) {
	let r = e.filter((e) => e.low !== void 0 && e.high !== void 0);
	if (r.length < 2) return "";
	let i = r.map((e) => `${q(t(e.at))} ${q(n(e.high))}`), a = r.toReversed().map((e) => `${q(t(e.at))} ${q(n(e.low))}`);
	return `M${[...i, ...a].join("L")}Z`;
}
var q = (e) => Math.round(e * 10) / 10, J = 44, mt = 22, ht = 8, gt = 16, Y = class extends M {
	constructor(...e) {
		super(...e), this.courses = [], this.word = String, this.now = 0, this.height = 180, this.unit = "", this.label = "", this.width = 320, this.chosen = null, this.#e = new ResizeObserver(([e]) => {
			e && e.contentRect.width > 0 && (this.width = e.contentRect.width);
		});
	}
	static {
		this.styles = l`
    :host {
      display: block;
      position: relative;
      min-width: 0;
    }
    svg {
      display: block;
      width: 100%;
      touch-action: pan-y;
      font-size: 11px;
      fill: var(--secondary-text-color);
      border-radius: 8px;
    }
    svg:focus-visible {
      outline: 2px solid var(--primary-color);
    }
    .grid {
      stroke: var(--divider-color);
      stroke-width: 1;
    }
    .zero {
      stroke: var(--secondary-text-color);
    }
    .now {
      stroke: var(--secondary-text-color);
      stroke-dasharray: 2 3;
    }
    .mark {
      stroke: var(--primary-text-color);
      opacity: 0.5;
    }
    .line {
      fill: none;
      stroke-width: 2;
      stroke-linejoin: round;
    }
    .dashed {
      stroke-dasharray: 5 4;
    }
    .readout {
      display: flex;
      flex-wrap: wrap;
      gap: 2px 14px;
      min-height: 20px;
      padding-left: ${J}px;
      font-size: 13px;
      color: var(--primary-text-color);
      font-variant-numeric: tabular-nums;
    }
    .unit {
      margin-left: auto;
      padding-right: ${gt}px;
      color: var(--secondary-text-color);
    }
    .key {
      display: inline-flex;
      align-items: center;
      gap: 6px;
    }
    .key i {
      width: 10px;
      height: 10px;
      border-radius: 3px;
    }
  `;
	}
	#e;
	connectedCallback() {
		super.connectedCallback(), this.#e.observe(this);
	}
	disconnectedCallback() {
		super.disconnectedCallback(), this.#e.disconnect();
	}
	render() {
		let e = this.#r(), [t] = e, n = e.at(-1);
		if (t === void 0 || n === void 0) return D;
		let r = {
			from: t,
			to: n + Math.max(0, ...this.courses.map((e) => e.hold ?? 0))
		}, i = lt(this.courses.flatMap((e) => e.points.flatMap(({ mid: e, low: t, high: n }) => [
			e,
			t,
			n
		])).filter((e) => typeof e == "number")), a = {
			from: i[0] ?? 0,
			to: i.at(-1) ?? 1
		}, o = this.width - J - gt, s = this.height - mt, c = (e) => J + ut(e, r, o), l = (e) => s - ut(e, a, s - ht);
		return w`<svg
        role="img"
        tabindex="0"
        aria-label=${this.label}
        viewBox="0 0 ${this.width} ${this.height}"
        height=${this.height}
        @pointermove=${(t) => {
			this.#i(r.from + (t.offsetX - J) / o * (r.to - r.from), e);
		}}
        @pointerleave=${() => {
			this.chosen = null;
		}}
        @keydown=${(t) => {
			this.#a(t, e);
		}}
      >
        ${i.map((e) => T`<line class="grid ${e === 0 ? "zero" : ""}" x1=${J} x2=${this.width - gt} y1=${l(e)} y2=${l(e)}></line>
          <text x=${38} y=${l(e) + 4} text-anchor="end">${_t(e)}</text>`)}
        ${dt(r, (e) => this.times.hour(e), o).map((e) => T`<text x=${c(e)} y=${this.height - 6} text-anchor="middle">${this.times.tick(e)}</text>`)}
        ${this.courses.map((e) => this.#t(e, c, l))}
        ${this.now > r.from && this.now < r.to ? T`<line class="now" x1=${c(this.now)} x2=${c(this.now)} y1=${ht} y2=${s}></line>` : D}
        ${this.chosen === null ? D : T`<line class="mark" x1=${c(this.chosen)} x2=${c(this.chosen)} y1=${ht} y2=${s}></line>`}
      </svg>
      <div class="readout" aria-live="polite">${this.#n()}</div>`;
	}
	#t(e, t, n) {
		let r = pt(e.points, t, n);
		return T`${r ? T`<path d=${r} fill=${e.colour} opacity="0.2"></path>` : D}
      <path class="line ${e.isDashed ? "dashed" : ""}" stroke=${e.colour} d=${ft(e.points, t, n, e.hold)}></path>`;
	}
	#n() {
		let e = this.chosen;
		return w`${e === null ? D : w`<b>${this.times.day(e)} ${this.times.clock(e)}</b>`}
      ${this.courses.map((t) => {
			let n = e === null ? void 0 : t.points.find((n) => n.at <= e && e < n.at + (n.hold ?? t.hold ?? 1));
			if (e !== null && (n === void 0 || n.mid === null)) return D;
			let r = n?.mid, i = n?.low === void 0 || n.high === void 0 ? "" : ` (${this.word(n.low)} – ${this.word(n.high)})`;
			return w`<span class="key"><i style="background:${t.colour}"></i>${t.name}${r == null ? D : w` ${this.word(r)}${i}`}</span>`;
		})}
      ${e === null && this.unit ? w`<span class="unit">${this.unit}</span>` : D}`;
	}
	#r() {
		return [...new Set(this.courses.flatMap((e) => e.points.map((e) => e.at)))].sort((e, t) => e - t);
	}
	#i(e, t) {
		this.chosen = t.findLast((t) => t <= e) ?? t[0] ?? null;
	}
	#a(e, t) {
		let n = {
			ArrowLeft: -1,
			ArrowRight: 1
		}[e.key];
		if (n === void 0) return;
		e.preventDefault();
		let r = this.chosen ?? t.findLast((e) => e <= this.now) ?? t[0], i = r === void 0 ? 0 : t.indexOf(r);
		this.chosen = t[Math.min(t.length - 1, Math.max(0, i + n))] ?? null;
	}
};
W([P({ attribute: !1 })], Y.prototype, "courses", void 0), W([P({ attribute: !1 })], Y.prototype, "times", void 0), W([P({ attribute: !1 })], Y.prototype, "word", void 0), W([P({ type: Number })], Y.prototype, "now", void 0), W([P({ type: Number })], Y.prototype, "height", void 0), W([P()], Y.prototype, "unit", void 0), W([P()], Y.prototype, "label", void 0), W([F()], Y.prototype, "width", void 0), W([F()], Y.prototype, "chosen", void 0), Y = W([N("energy-swap-chart")], Y);
var _t = (e) => (Math.abs(e) >= 1e3 ? `${e / 1e3}k` : String(e)).replace("-", "−"), vt = 5, yt = class extends M {
	static {
		this.styles = [U, l`
      .sides {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 12px;
      }
      h3 {
        margin: 0 0 4px;
        font-size: 13px;
        font-weight: 500;
        color: var(--soft);
      }
      ol {
        list-style: none;
        margin: 0;
        padding: 0;
      }
      li {
        position: relative;
        display: flex;
        justify-content: space-between;
        gap: 8px;
        padding: 4px 6px;
        font-size: 13px;
        font-variant-numeric: tabular-nums;
      }
      li i {
        position: absolute;
        inset: 2px auto 2px 0;
        border-radius: 6px;
        opacity: 0.2;
      }
      .sells i {
        background: var(--sell);
      }
      .buys i {
        background: var(--buy);
      }
    `];
	}
	render() {
		let e = Math.max(1, ...[...this.book.buys, ...this.book.sells].map((e) => e.wh));
		return w`<div class="sides">
      ${this.#e("sells", this.book.sells, e)}${this.#e("buys", this.book.buys, e)}
    </div>`;
	}
	#e(e, t, n) {
		return w`<section class=${e}>
      <h3>${this.say(e === "sells" ? "offered" : "wanted")}</h3>
      ${t.length === 0 ? w`<p class="soft">${this.say("nothing_now")}</p>` : w`<ol>
            ${t.slice(0, vt).map((e) => w`<li><i style="width:${Math.max(3, e.wh / n * 100)}%"></i><span>${L(e.cents_per_kwh / 100)}</span><span>${R(e.wh / 1e3)}</span></li>`)}
          </ol>`}
    </section>`;
	}
};
W([P({ attribute: !1 })], yt.prototype, "book", void 0), W([P({ attribute: !1 })], yt.prototype, "say", void 0), yt = W([N("energy-swap-order-book")], yt);
// src/cards/market-card.ts
var bt = 60, xt = .1, St = class extends K {
	constructor(...e) {
		super(...e), this.cancelling = "", this.problem = "", this.#e = new H(this, () => this.household?.act("get_prices") ?? null, bt), this.#t = new H(this, () => this.household?.act("get_market") ?? null, bt / 4);
	}
	static {
		this.styles = [U, l`
      .price {
        font-size: 30px;
        font-weight: 700;
        letter-spacing: -0.02em;
        line-height: 1.1;
      }
      .price small {
        font-size: 14px;
        font-weight: 400;
        color: var(--soft);
        letter-spacing: 0;
      }
      .orders {
        list-style: none;
        margin: 0;
        padding: 0;
      }
      .orders li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 12px;
        min-height: 48px;
        border-top: 1px solid var(--line);
      }
      .orders span {
        flex: 1 1 140px;
      }
      h3 {
        margin: 0 0 4px;
        font-size: 14px;
        font-weight: 600;
      }
    `];
	}
	#e;
	#t;
	show(e) {
		let t = e.number("clearing_price"), n = e.number("price_against_week");
		return w`${this.renderHead(this.say("market"), n === null ? D : this.#n(n))}
      <div class="body">
        <p class="price number">
          ${t === null ? w`<small>${this.say("no_price")}</small>` : w`${L(t)} <small>KES/kWh ${this.say("last_price")}</small>`}
        </p>
        ${this.#e.value ? this.#r(this.#e.value) : this.#e.problem ? w`<p class="soft">${this.#e.problem}</p>` : D}
        ${this.#t.value?.book ? w`<energy-swap-order-book .book=${this.#t.value.book} .say=${this.say}></energy-swap-order-book>` : D}
        <div class="actions">
          <button
            class="primary"
            @click=${() => {
			this.#o(e, "sell");
		}}
          >
            ${this.say("sell")}
          </button>
          <button
            class="primary"
            @click=${() => {
			this.#o(e, "buy");
		}}
          >
            ${this.say("buy")}
          </button>
          <button
            @click=${() => {
			this.#s(e);
		}}
          >
            ${this.say("my_prices")}
          </button>
        </div>
        ${this.#t.problem ? w`<p class="soft">${this.#t.problem}</p>` : this.#i(e, this.#t.value?.orders ?? [])}
      </div>`;
	}
	#n(e) {
		let t = e === 0 ? "like_week" : e < 0 ? "below_week" : "above_week";
		return w`<span class="pill">${this.say(t, { percent: Math.abs(e) })}</span>`;
	}
	#r(e) {
		return w`<energy-swap-chart
      .courses=${[{
			name: this.say("price_was"),
			colour: "var(--primary-color)",
			hold: Ct(e.past),
			points: e.past.map((e) => ({
				at: e.start,
				hold: e.minutes === void 0 ? void 0 : e.minutes * 60,
				mid: e.cents_per_kwh === null ? null : e.cents_per_kwh / 100
			}))
		}, {
			name: this.say("price_expected"),
			colour: "var(--sell)",
			hold: Ct(e.expected),
			isDashed: !0,
			points: e.expected.map((e) => ({
				at: e.start,
				mid: e.p50 / 100,
				low: e.p10 / 100,
				high: e.p90 / 100
			}))
		}].filter((e) => e.points.length > 0)}
      .times=${this.times}
      .word=${(e) => L(e)}
      .now=${e.now ?? Date.now() / 1e3}
      .height=${160}
      unit="KES/kWh"
      label=${this.say("price_chart")}
    ></energy-swap-chart>`;
	}
	#i(e, t) {
		return t.length === 0 ? D : w`<section>
      <h3>${this.say("my_orders")}</h3>
      <ul class="orders">
        ${t.map((t) => w`<li>
              <span class="number">
                ${this.say(t.side === "sell" ? "order_sell" : "order_buy", {
			energy: R(t.remaining_wh / 1e3),
			price: L(t.limit / 100)
		})}
              </span>
              <button ?disabled=${this.cancelling === t.id} @click=${() => this.#a(e, t)}>${this.say("cancel_order")}</button>
            </li>`)}
      </ul>
      ${this.problem ? w`<p class="problem" role="alert">${this.problem}</p>` : D}
    </section>`;
	}
	async #a(e, t) {
		this.cancelling = t.id, this.problem = "";
		try {
			await e.act("cancel_order", { order: t.id }), await this.#t.refresh();
		} catch (e) {
			this.problem = V(e);
		} finally {
			this.cancelling = "";
		}
	}
	#o(e, t) {
		let n = t === "sell" ? "minimum_price" : "maximum_price", r = e.number(t === "sell" ? "suggested_sell_price" : "suggested_buy_price"), i = e.number("token_balance");
		t === "sell" && i !== null && i < xt ? this.ask({
			title: this.say(t),
			lead: this.say("nothing_to_sell", { energy: R(i) }),
			fields: [],
			act: () => Promise.resolve("")
		}) : this.ask({
			title: this.say(t),
			lead: t === "sell" ? this.say("sell_means", { energy: R(i ?? 0) }) : this.say("buy_means"),
			go: this.say(t),
			fields: [{
				name: "energy",
				label: this.say("energy"),
				unit: "kWh",
				step: .001,
				min: xt,
				value: t === "sell" && i !== null ? i : 1
			}, {
				name: n,
				label: this.say(t === "sell" ? "at_least" : "at_most"),
				unit: "KES/kWh",
				step: .01,
				min: 0,
				value: r,
				...r === null ? {} : { hint: this.say("suggested", { price: L(r) }) }
			}],
			sum: (e) => {
				let r = (e.energy ?? 0) * (e[n] ?? 0);
				return r > 0 ? this.say(t === "sell" ? "comes_to_at_least" : "comes_to_at_most", { amount: I(r) }) : "";
			},
			act: async (n) => {
				let r = await e.act(t, n);
				this.#t.refresh();
				let i = r.filled_wh ?? 0;
				return r.status === "filled" ? this.say(t === "sell" ? "sold_all" : "bought_all", { energy: R(i / 1e3) }) : this.say("order_rests", {
					filled: R(i / 1e3),
					rest: R((r.remaining_wh ?? 0) / 1e3)
				});
			}
		});
	}
	#s(e) {
		this.ask({
			title: this.say("my_prices"),
			lead: this.say("my_prices_means"),
			go: this.say("save"),
			fields: [{
				name: "sell_at_least",
				label: this.say("at_least"),
				unit: "KES/kWh",
				step: .01,
				min: 0,
				value: e.number("sell_limit"),
				isOptional: !0
			}, {
				name: "buy_at_most",
				label: this.say("at_most"),
				unit: "KES/kWh",
				step: .01,
				min: 0,
				value: e.number("buy_limit"),
				isOptional: !0
			}],
			act: async (t) => {
				let n = {
					...t.sell_at_least === void 0 ? { stop_selling: !0 } : { sell_at_least: t.sell_at_least },
					...t.buy_at_most === void 0 ? { stop_buying: !0 } : { buy_at_most: t.buy_at_most }
				};
				return await e.act("set_limits", n), this.say("saved");
			}
		});
	}
};
W([F()], St.prototype, "cancelling", void 0), W([F()], St.prototype, "problem", void 0), St = W([N("energy-swap-market-card")], St);
function Ct(e) {
	return e.length > 1 ? (e[1]?.start ?? 0) - (e[0]?.start ?? 0) : 1800;
}
ot("energy-swap-market-card", "Energy Swap: market", "The price now and expected, what neighbours offer, your orders, sell and buy.");
// src/cards/forecast-card.ts
var wt = {
	surplus: "var(--good)",
	production: "var(--sell)",
	consumption: "var(--buy)"
}, Tt = class extends K {
	constructor(...e) {
		super(...e), this.shown = "surplus", this.#e = new H(this, () => this.household?.act("get_forecast") ?? null, 300);
	}
	static {
		this.styles = [U, l`
      .days {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 20px;
        font-size: 15px;
      }
      .switches {
        display: flex;
        justify-self: start;
        border-radius: 12px;
        background: color-mix(in srgb, var(--soft) 12%, transparent);
        padding: 3px;
      }
      .switches button {
        border: 0;
        min-height: 40px;
        padding: 0 12px;
        border-radius: 9px;
        color: var(--soft);
      }
      .switches button[aria-pressed="true"] {
        background: var(--card-background-color);
        color: var(--primary-text-color);
      }
    `];
	}
	#e;
	show(e) {
		let t = this.#e.value;
		return w`${this.renderHead(this.say("forecast"), this.#t(e))}
      <div class="body">
        <p class="days">${this.#n("today", e.number("surplus_remaining"))} ${this.#n("tomorrow", e.number("surplus_tomorrow"))}</p>
        <div class="switches" role="group" aria-label=${this.say("what_to_show")}>${[
			"surplus",
			"production",
			"consumption"
		].map((e) => this.#r(e))}</div>
        ${t ? this.#i(t) : w`<p class="soft">${this.#e.problem || this.say("loading")}</p>`}
        ${t ? w`<p class="soft">${this.#a(t)}</p>` : D}
      </div>`;
	}
	#t(e) {
		let t = e.number("forecast_confidence");
		return t === null ? D : w`<span class="pill">${this.say("confidence", { percent: Math.round(t) })}</span>`;
	}
	#n(e, t) {
		return t === null ? D : w`<span>${this.say(e === "today" ? "spare_today" : "spare_tomorrow")} <b class="number">${R(t)}</b></span>`;
	}
	#r(e) {
		return w`<button
      aria-pressed=${this.shown === e}
      @click=${() => {
			this.shown = e;
		}}
    >
      ${this.say(e)}
    </button>`;
	}
	#i(e) {
		let t = (e.periods[0]?.minutes ?? 30) * 60;
		return w`<energy-swap-chart
      .courses=${[{
			name: this.say(this.shown),
			colour: wt[this.shown],
			hold: t,
			points: e.periods.map((e) => Et(e, this.shown))
		}]}
      .times=${this.times}
      .word=${(e) => Ke(e)}
      .now=${e.now ?? Date.now() / 1e3}
      .height=${190}
      unit="W"
      label=${this.say("forecast_chart", { what: this.say(this.shown) })}
    ></energy-swap-chart>`;
	}
	#a(e) {
		let t = {
			live: "from_live",
			cached: "from_cached",
			history: "from_history",
			prior: "from_prior"
		}[e.tier];
		return `${t === void 0 ? "" : this.say(t)} ${this.say("made_at", { when: this.times.clock(e.made_at) })}`.trim();
	}
};
W([F()], Tt.prototype, "shown", void 0), Tt = W([N("energy-swap-forecast-card")], Tt);
function Et(e, t) {
	let n = e[`${t}_wh`], r = 60 / e.minutes;
	return {
		at: e.start,
		mid: n.p50 * r,
		low: n.p10 * r,
		high: n.p90 * r
	};
}
ot("energy-swap-forecast-card", "Energy Swap: forecast", "Production, consumption and surplus for two days, with the band in which they are likely.");
// node_modules/lit-html/directive.js
var Dt = {
	ATTRIBUTE: 1,
	CHILD: 2,
	PROPERTY: 3,
	BOOLEAN_ATTRIBUTE: 4,
	EVENT: 5,
	ELEMENT: 6
}, Ot = (e) => (...t) => ({
	_$litDirective$: e,
	values: t
}), kt = class {
	constructor(e) {}
	get _$AU() {
		return this._$AM._$AU;
	}
	_$AT(e, t, n) {
		this._$Ct = e, this._$AM = t, this._$Ci = n;
	}
	_$AS(e, t) {
		return this.update(e, t);
	}
	update(e, t) {
		return this.render(...t);
	}
}, { I: At } = Pe, jt = (e) => e, Mt = (e) => e.strings === void 0, Nt = () => document.createComment(""), X = (e, t, n) => {
	let r = e._$AA.parentNode, i = t === void 0 ? e._$AB : t._$AA;
	if (n === void 0) n = new At(r.insertBefore(Nt(), i), r.insertBefore(Nt(), i), e, e.options);
	else {
		let t = n._$AB.nextSibling, a = n._$AM, o = a !== e;
		if (o) {
			let t;
			n._$AQ?.(e), n._$AM = e, n._$AP !== void 0 && (t = e._$AU) !== a._$AU && n._$AP(t);
		}
		if (t !== i || o) {
			let e = n._$AA;
			for (; e !== t;) {
				let t = jt(e).nextSibling;
				jt(r).insertBefore(e, i), e = t;
			}
		}
	}
	return n;
}, Z = (e, t, n = e) => (e._$AI(t, n), e), Pt = {}, Ft = (e, t = Pt) => e._$AH = t, It = (e) => e._$AH, Lt = (e) => {
	e._$AR(), e._$AA.remove();
}, Q = (e, t) => {
	let n = e._$AN;
	if (n === void 0) return !1;
	for (let e of n) e._$AO?.(t, !1), Q(e, t);
	return !0;
}, Rt = (e) => {
	let t, n;
	do {
		if ((t = e._$AM) === void 0) break;
		n = t._$AN, n.delete(e), e = t;
	} while (n?.size === 0);
}, zt = (e) => {
	for (let t; t = e._$AM; e = t) {
		let n = t._$AN;
		if (n === void 0) t._$AN = n = /* @__PURE__ */ new Set();
		else if (n.has(e)) break;
		n.add(e), Ht(t);
	}
};
function Bt(e) {
	this._$AN === void 0 ? this._$AM = e : (Rt(this), this._$AM = e, zt(this));
}
function Vt(e, t = !1, n = 0) {
	let r = this._$AH, i = this._$AN;
	if (i !== void 0 && i.size !== 0) {
		if (t) {
			if (Array.isArray(r)) for (let e = n; e < r.length; e++) Q(r[e], !1), Rt(r[e]);
			else r != null && (Q(r, !1), Rt(r));
		} else Q(this, e);
	}
}
var Ht = (e) => {
	e.type == Dt.CHILD && (e._$AP ??= Vt, e._$AQ ??= Bt);
}, Ut = class extends kt {
	constructor() {
		super(...arguments), this._$AN = void 0;
	}
	_$AT(e, t, n) {
		super._$AT(e, t, n), zt(this), this.isConnected = e._$AU;
	}
	_$AO(e, t = !0) {
		e !== this.isConnected && (this.isConnected = e, e ? this.reconnected?.() : this.disconnected?.()), t && (Q(this, e), Rt(this));
	}
	setValue(e) {
		if (Mt(this._$Ct)) this._$Ct._$AI(e, this);
		else {
			let t = [...this._$Ct._$AH];
			t[this._$Ci] = e, this._$Ct._$AI(t, this, 0);
		}
	}
	disconnected() {}
	reconnected() {}
}, Wt = (e, t, n) => {
	let r = /* @__PURE__ */ new Map();
	for (let i = t; i <= n; i++) r.set(e[i], i);
	return r;
}, Gt = Ot(class extends kt {
	constructor(e) {
		if (super(e), e.type !== Dt.CHILD) throw Error("repeat() can only be used in text expressions");
	}
	dt(e, t, n) {
		let r;
		n === void 0 ? n = t : t !== void 0 && (r = t);
		let i = [], a = [], o = 0;
		for (let t of e) i[o] = r ? r(t, o) : o, a[o] = n(t, o), o++;
		return {
			values: a,
			keys: i
		};
	}
	render(e, t, n) {
		return this.dt(e, t, n).values;
	}
	update(e, [t, n, r]) {
		let i = It(e), { values: a, keys: o } = this.dt(t, n, r);
		if (!Array.isArray(i)) return this.ut = o, a;
		let s = this.ut ??= [], c = [], l, u, d = 0, f = i.length - 1, p = 0, m = a.length - 1;
		for (; d <= f && p <= m;) if (i[d] === null) d++;
		else if (i[f] === null) f--;
		else if (s[d] === o[p]) c[p] = Z(i[d], a[p]), d++, p++;
		else if (s[f] === o[m]) c[m] = Z(i[f], a[m]), f--, m--;
		else if (s[d] === o[m]) c[m] = Z(i[d], a[m]), X(e, c[m + 1], i[d]), d++, m--;
		else if (s[f] === o[p]) c[p] = Z(i[f], a[p]), X(e, i[d], i[f]), f--, p++;
		else if (l === void 0 && (l = Wt(o, p, m), u = Wt(s, d, f)), l.has(s[d])) {
			if (l.has(s[f])) {
				let t = u.get(o[p]), n = t === void 0 ? null : i[t];
				if (n === null) {
					let t = X(e, i[d]);
					Z(t, a[p]), c[p] = t;
				} else c[p] = Z(n, a[p]), X(e, i[d], n), i[t] = null;
				p++;
			} else Lt(i[f]), f--;
		} else Lt(i[d]), d++;
		for (; p <= m;) {
			let t = X(e, c[m + 1]);
			Z(t, a[p]), c[p++] = t;
		}
		for (; d <= f;) {
			let e = i[d++];
			e !== null && Lt(e);
		}
		return this.ut = o, Ft(e, c), E;
	}
}), Kt = class e extends Event {
	constructor(t) {
		super(e.eventName, { bubbles: !1 }), this.first = t.first, this.last = t.last;
	}
};
Kt.eventName = "rangeChanged";
var qt = class e extends Event {
	constructor(t) {
		super(e.eventName, { bubbles: !1 }), this.first = t.first, this.last = t.last;
	}
};
qt.eventName = "visibilityChanged";
var Jt = class e extends Event {
	constructor() {
		super(e.eventName, { bubbles: !1 });
	}
};
Jt.eventName = "unpinned";
// node_modules/@lit-labs/virtualizer/ScrollerController.js
var Yt = class {
	constructor(e) {
		this._element = null;
		let t = e ?? window;
		this._node = t, e && (this._element = e);
	}
	get element() {
		return this._element || document.scrollingElement || document.documentElement;
	}
	get scrollTop() {
		return this.element.scrollTop || window.scrollY;
	}
	get scrollLeft() {
		return this.element.scrollLeft || window.scrollX;
	}
	get scrollHeight() {
		return this.element.scrollHeight;
	}
	get scrollWidth() {
		return this.element.scrollWidth;
	}
	get viewportHeight() {
		return this._element ? this._element.getBoundingClientRect().height : window.innerHeight;
	}
	get viewportWidth() {
		return this._element ? this._element.getBoundingClientRect().width : window.innerWidth;
	}
	get maxScrollTop() {
		return this.scrollHeight - this.viewportHeight;
	}
	get maxScrollLeft() {
		return this.scrollWidth - this.viewportWidth;
	}
}, Xt = class extends Yt {
	constructor(e, t) {
		super(t), this._clients = /* @__PURE__ */ new Set(), this._retarget = null, this._end = null, this.__destination = null, this.correctingScrollError = !1, this._checkForArrival = this._checkForArrival.bind(this), this._updateManagedScrollTo = this._updateManagedScrollTo.bind(this), this.scrollTo = this.scrollTo.bind(this), this.scrollBy = this.scrollBy.bind(this);
		let n = this._node;
		this._originalScrollTo = n.scrollTo, this._originalScrollBy = n.scrollBy, this._originalScroll = n.scroll, this._attach(e);
	}
	get _destination() {
		return this.__destination;
	}
	get scrolling() {
		return this._destination !== null;
	}
	scrollTo(e, t) {
		let n = typeof e == "number" && typeof t == "number" ? {
			left: e,
			top: t
		} : e;
		this._scrollTo(n);
	}
	scrollBy(e, t) {
		let n = typeof e == "number" && typeof t == "number" ? {
			left: e,
			top: t
		} : e;
		n.top !== void 0 && (n.top += this.scrollTop), n.left !== void 0 && (n.left += this.scrollLeft), this._scrollTo(n);
	}
	_nativeScrollTo(e) {
		this._originalScrollTo.bind(this._element || window)(e);
	}
	_scrollTo(e, t = null, n = null) {
		this._end !== null && this._end(), e.behavior === "smooth" ? (this._setDestination(e), this._retarget = t, this._end = n) : this._resetScrollState(), this._nativeScrollTo(e);
	}
	_setDestination(e) {
		let { top: t, left: n } = e;
		return t = t === void 0 ? void 0 : Math.max(0, Math.min(t, this.maxScrollTop)), n = n === void 0 ? void 0 : Math.max(0, Math.min(n, this.maxScrollLeft)), this._destination !== null && n === this._destination.left && t === this._destination.top ? !1 : (this.__destination = {
			top: t,
			left: n,
			behavior: "smooth"
		}, !0);
	}
	_resetScrollState() {
		this.__destination = null, this._retarget = null, this._end = null;
	}
	_updateManagedScrollTo(e) {
		this._destination && this._setDestination(e) && this._nativeScrollTo(this._destination);
	}
	managedScrollTo(e, t, n) {
		return this._scrollTo(e, t, n), this._updateManagedScrollTo;
	}
	correctScrollError(e) {
		this.correctingScrollError = !0, requestAnimationFrame(() => requestAnimationFrame(() => this.correctingScrollError = !1)), this._nativeScrollTo(e), this._retarget && this._setDestination(this._retarget()), this._destination && this._nativeScrollTo(this._destination);
	}
	_checkForArrival() {
		if (this._destination !== null) {
			let { scrollTop: e, scrollLeft: t } = this, { top: n, left: r } = this._destination;
			n = Math.min(n || 0, this.maxScrollTop), r = Math.min(r || 0, this.maxScrollLeft);
			let i = Math.abs(n - e), a = Math.abs(r - t);
			i < 1 && a < 1 && (this._end && this._end(), this._resetScrollState());
		}
	}
	detach(e) {
		return this._clients.delete(e), this._clients.size === 0 && (this._node.scrollTo = this._originalScrollTo, this._node.scrollBy = this._originalScrollBy, this._node.scroll = this._originalScroll, this._node.removeEventListener("scroll", this._checkForArrival)), null;
	}
	_attach(e) {
		this._clients.add(e), this._clients.size === 1 && (this._node.scrollTo = this.scrollTo, this._node.scrollBy = this.scrollBy, this._node.scroll = this.scrollTo, this._node.addEventListener("scroll", this._checkForArrival));
	}
}, Zt, Qt = t((() => {
	Zt = class {
		constructor(e) {
			this._map = /* @__PURE__ */ new Map(), this._roundAverageSize = !1, this.totalSize = 0, e?.roundAverageSize === !0 && (this._roundAverageSize = !0);
		}
		set(e, t) {
			let n = this._map.get(e) || 0;
			this._map.set(e, t), this.totalSize += t - n;
		}
		get averageSize() {
			if (this._map.size > 0) {
				let e = this.totalSize / this._map.size;
				return this._roundAverageSize ? Math.round(e) : e;
			}
			return 0;
		}
		getSize(e) {
			return this._map.get(e);
		}
		clear() {
			this._map.clear(), this.totalSize = 0;
		}
	};
}));
// node_modules/@lit-labs/virtualizer/layouts/shared/BaseLayout.js
function $t(e) {
	return e === "horizontal" ? "width" : "height";
}
var en, tn = t((() => {
	en = class {
		_getDefaultConfig() {
			return { direction: "vertical" };
		}
		constructor(e, t) {
			this._latestCoords = {
				left: 0,
				top: 0
			}, this._direction = null, this._viewportSize = {
				width: 0,
				height: 0
			}, this.totalScrollSize = {
				width: 0,
				height: 0
			}, this.offsetWithinScroller = {
				left: 0,
				top: 0
			}, this._pendingReflow = !1, this._pendingLayoutUpdate = !1, this._pin = null, this._firstVisible = 0, this._lastVisible = 0, this._physicalMin = 0, this._physicalMax = 0, this._first = -1, this._last = -1, this._sizeDim = "height", this._secondarySizeDim = "width", this._positionDim = "top", this._secondaryPositionDim = "left", this._scrollPosition = 0, this._scrollError = 0, this._items = [], this._scrollSize = 1, this._overhang = 1e3, this._hostSink = e, Promise.resolve().then(() => this.config = t || this._getDefaultConfig());
		}
		set config(e) {
			Object.assign(this, Object.assign({}, this._getDefaultConfig(), e));
		}
		get config() {
			return { direction: this.direction };
		}
		get items() {
			return this._items;
		}
		set items(e) {
			this._setItems(e);
		}
		_setItems(e) {
			e !== this._items && (this._items = e, this._scheduleReflow());
		}
		get direction() {
			return this._direction;
		}
		set direction(e) {
			e = e === "horizontal" ? e : "vertical", e !== this._direction && (this._direction = e, this._sizeDim = e === "horizontal" ? "width" : "height", this._secondarySizeDim = e === "horizontal" ? "height" : "width", this._positionDim = e === "horizontal" ? "left" : "top", this._secondaryPositionDim = e === "horizontal" ? "top" : "left", this._triggerReflow());
		}
		get viewportSize() {
			return this._viewportSize;
		}
		set viewportSize(e) {
			let { _viewDim1: t, _viewDim2: n } = this;
			Object.assign(this._viewportSize, e), n === this._viewDim2 ? t !== this._viewDim1 && this._checkThresholds() : this._scheduleLayoutUpdate();
		}
		get viewportScroll() {
			return this._latestCoords;
		}
		set viewportScroll(e) {
			Object.assign(this._latestCoords, e);
			let t = this._scrollPosition;
			this._scrollPosition = this._latestCoords[this._positionDim], Math.abs(t - this._scrollPosition) >= 1 && this._checkThresholds();
		}
		reflowIfNeeded(e = !1) {
			(e || this._pendingReflow) && (this._pendingReflow = !1, this._reflow());
		}
		set pin(e) {
			this._pin = e, this._triggerReflow();
		}
		get pin() {
			if (this._pin !== null) {
				let { index: e, block: t } = this._pin;
				return {
					index: Math.max(0, Math.min(e, this.items.length - 1)),
					block: t
				};
			}
			return null;
		}
		_clampScrollPosition(e) {
			return Math.max(-this.offsetWithinScroller[this._positionDim], Math.min(e, this.totalScrollSize[$t(this.direction)] - this._viewDim1));
		}
		unpin() {
			this._pin !== null && (this._sendUnpinnedMessage(), this._pin = null);
		}
		_updateLayout() {}
		get _viewDim1() {
			return this._viewportSize[this._sizeDim];
		}
		get _viewDim2() {
			return this._viewportSize[this._secondarySizeDim];
		}
		_scheduleReflow() {
			this._pendingReflow = !0;
		}
		_scheduleLayoutUpdate() {
			this._pendingLayoutUpdate = !0, this._scheduleReflow();
		}
		_triggerReflow() {
			this._scheduleLayoutUpdate(), Promise.resolve().then(() => this.reflowIfNeeded());
		}
		_reflow() {
			this._pendingLayoutUpdate &&= (this._updateLayout(), !1), this._updateScrollSize(), this._setPositionFromPin(), this._getActiveItems(), this._updateVisibleIndices(), this._sendStateChangedMessage();
		}
		_setPositionFromPin() {
			if (this.pin !== null) {
				let e = this._scrollPosition, { index: t, block: n } = this.pin;
				this._scrollPosition = this._calculateScrollIntoViewPosition({
					index: t,
					block: n || "start"
				}) - this.offsetWithinScroller[this._positionDim], this._scrollError = e - this._scrollPosition;
			}
		}
		_calculateScrollIntoViewPosition(e) {
			let { block: t } = e, n = Math.min(this.items.length, Math.max(0, e.index)), r = this._getItemPosition(n)[this._positionDim], i = r;
			if (t !== "start") {
				let e = this._getItemSize(n)[this._sizeDim];
				if (t === "center") i = r - .5 * this._viewDim1 + .5 * e;
				else {
					let n = r - this._viewDim1 + e;
					if (t === "end") i = n;
					else {
						let e = this._scrollPosition;
						i = Math.abs(e - r) < Math.abs(e - n) ? r : n;
					}
				}
			}
			return i += this.offsetWithinScroller[this._positionDim], this._clampScrollPosition(i);
		}
		getScrollIntoViewCoordinates(e) {
			return { [this._positionDim]: this._calculateScrollIntoViewPosition(e) };
		}
		_sendUnpinnedMessage() {
			this._hostSink({ type: "unpinned" });
		}
		_sendVisibilityChangedMessage() {
			this._hostSink({
				type: "visibilityChanged",
				firstVisible: this._firstVisible,
				lastVisible: this._lastVisible
			});
		}
		_sendStateChangedMessage() {
			let e = /* @__PURE__ */ new Map();
			if (this._first !== -1 && this._last !== -1) for (let t = this._first; t <= this._last; t++) e.set(t, this._getItemPosition(t));
			let t = {
				type: "stateChanged",
				scrollSize: {
					[this._sizeDim]: this._scrollSize,
					[this._secondarySizeDim]: null
				},
				range: {
					first: this._first,
					last: this._last,
					firstVisible: this._firstVisible,
					lastVisible: this._lastVisible
				},
				childPositions: e
			};
			this._scrollError &&= (t.scrollError = {
				[this._positionDim]: this._scrollError,
				[this._secondaryPositionDim]: 0
			}, 0), this._hostSink(t);
		}
		get _num() {
			return this._first === -1 || this._last === -1 ? 0 : this._last - this._first + 1;
		}
		_checkThresholds() {
			if (this._viewDim1 === 0 && this._num > 0 || this._pin !== null) this._scheduleReflow();
			else {
				let e = Math.max(0, this._scrollPosition - this._overhang), t = Math.min(this._scrollSize, this._scrollPosition + this._viewDim1 + this._overhang);
				this._physicalMin > e || this._physicalMax < t ? this._scheduleReflow() : this._updateVisibleIndices({ emit: !0 });
			}
		}
		_updateVisibleIndices(e) {
			if (this._first === -1 || this._last === -1) return;
			let t = this._first;
			for (; t < this._last && Math.round(this._getItemPosition(t)[this._positionDim] + this._getItemSize(t)[this._sizeDim]) <= Math.round(this._scrollPosition);) t++;
			let n = this._last;
			for (; n > this._first && Math.round(this._getItemPosition(n)[this._positionDim]) >= Math.round(this._scrollPosition + this._viewDim1);) n--;
			(t !== this._firstVisible || n !== this._lastVisible) && (this._firstVisible = t, this._lastVisible = n, e && e.emit && this._sendVisibilityChangedMessage());
		}
	};
})), nn = /* @__PURE__ */ n({
	FlowLayout: () => un,
	flow: () => cn
});
function rn(e) {
	return e === "horizontal" ? "marginLeft" : "marginTop";
}
function an(e) {
	return e === "horizontal" ? "marginRight" : "marginBottom";
}
function on(e) {
	return e === "horizontal" ? "xOffset" : "yOffset";
}
function sn(e, t) {
	let n = [e, t].sort();
	return n[1] <= 0 ? Math.min(...n) : n[0] >= 0 ? Math.max(...n) : n[0] + n[1];
}
var cn, ln, un, dn = t((() => {
	Qt(), tn(), cn = (e) => Object.assign({ type: un }, e), ln = class {
		constructor() {
			this._childSizeCache = new Zt(), this._marginSizeCache = new Zt(), this._metricsCache = /* @__PURE__ */ new Map();
		}
		update(e, t) {
			let n = /* @__PURE__ */ new Set();
			Object.keys(e).forEach((r) => {
				let i = Number(r);
				this._metricsCache.set(i, e[i]), this._childSizeCache.set(i, e[i][$t(t)]), n.add(i), n.add(i + 1);
			});
			for (let e of n) {
				let n = this._metricsCache.get(e)?.[rn(t)] || 0, r = this._metricsCache.get(e - 1)?.[an(t)] || 0;
				this._marginSizeCache.set(e, sn(n, r));
			}
		}
		get averageChildSize() {
			return this._childSizeCache.averageSize;
		}
		get totalChildSize() {
			return this._childSizeCache.totalSize;
		}
		get averageMarginSize() {
			return this._marginSizeCache.averageSize;
		}
		get totalMarginSize() {
			return this._marginSizeCache.totalSize;
		}
		getLeadingMarginValue(e, t) {
			return this._metricsCache.get(e)?.[rn(t)] || 0;
		}
		getChildSize(e) {
			return this._childSizeCache.getSize(e);
		}
		getMarginSize(e) {
			return this._marginSizeCache.getSize(e);
		}
		clear() {
			this._childSizeCache.clear(), this._marginSizeCache.clear(), this._metricsCache.clear();
		}
	}, un = class extends en {
		constructor() {
			super(...arguments), this._itemSize = {
				width: 100,
				height: 100
			}, this._physicalItems = /* @__PURE__ */ new Map(), this._newPhysicalItems = /* @__PURE__ */ new Map(), this._metricsCache = new ln(), this._anchorIdx = null, this._anchorPos = null, this._stable = !0, this._measureChildren = !0, this._estimate = !0;
		}
		get measureChildren() {
			return this._measureChildren;
		}
		updateItemSizes(e) {
			this._metricsCache.update(e, this.direction), this._scheduleReflow();
		}
		_getPhysicalItem(e) {
			return this._newPhysicalItems.get(e) ?? this._physicalItems.get(e);
		}
		_getSize(e) {
			return this._getPhysicalItem(e) && this._metricsCache.getChildSize(e);
		}
		_getAverageSize() {
			return this._metricsCache.averageChildSize || this._itemSize[this._sizeDim];
		}
		_estimatePosition(e) {
			let t = this._metricsCache;
			if (this._first === -1 || this._last === -1) return t.averageMarginSize + e * (t.averageMarginSize + this._getAverageSize());
			if (e < this._first) {
				let n = this._first - e;
				return this._getPhysicalItem(this._first).pos - (t.getMarginSize(this._first - 1) || t.averageMarginSize) - (n * t.averageChildSize + (n - 1) * t.averageMarginSize);
			}
			{
				let n = e - this._last;
				return this._getPhysicalItem(this._last).pos + (t.getChildSize(this._last) || t.averageChildSize) + (t.getMarginSize(this._last) || t.averageMarginSize) + n * (t.averageChildSize + t.averageMarginSize);
			}
		}
		_getPosition(e) {
			let t = this._getPhysicalItem(e), { averageMarginSize: n } = this._metricsCache;
			return e === 0 ? this._metricsCache.getMarginSize(0) ?? n : t ? t.pos : this._estimatePosition(e);
		}
		_calculateAnchor(e, t) {
			return e <= 0 ? 0 : t > this._scrollSize - this._viewDim1 ? this.items.length - 1 : Math.max(0, Math.min(this.items.length - 1, Math.floor((e + t) / 2 / this._delta)));
		}
		_getAnchor(e, t) {
			if (this._physicalItems.size === 0 || this._first < 0 || this._last < 0) return this._calculateAnchor(e, t);
			let n = this._getPhysicalItem(this._first), r = this._getPhysicalItem(this._last), i = n.pos;
			if (r.pos + this._metricsCache.getChildSize(this._last) < e || i > t) return this._calculateAnchor(e, t);
			let a = this._firstVisible - 1, o = -Infinity;
			for (; o < e;) o = this._getPhysicalItem(++a).pos + this._metricsCache.getChildSize(a);
			return a;
		}
		_getActiveItems() {
			this._viewDim1 === 0 || this.items.length === 0 ? this._clearItems() : this._getItems();
		}
		_clearItems() {
			this._first = -1, this._last = -1, this._physicalMin = 0, this._physicalMax = 0;
			let e = this._newPhysicalItems;
			this._newPhysicalItems = this._physicalItems, this._newPhysicalItems.clear(), this._physicalItems = e, this._stable = !0;
		}
		_getItems() {
			let e = this._newPhysicalItems;
			this._stable = !0;
			let t, n;
			if (this.pin !== null) {
				let { index: e } = this.pin;
				this._anchorIdx = e, this._anchorPos = this._getPosition(e);
			}
			if (t = this._scrollPosition - this._overhang, n = this._scrollPosition + this._viewDim1 + this._overhang, n < 0 || t > this._scrollSize) {
				this._clearItems();
				return;
			}
			(this._anchorIdx === null || this._anchorPos === null) && (this._anchorIdx = this._getAnchor(t, n), this._anchorPos = this._getPosition(this._anchorIdx));
			let r = this._getSize(this._anchorIdx);
			r === void 0 && (this._stable = !1, r = this._getAverageSize());
			let i = this._metricsCache.getMarginSize(this._anchorIdx) ?? this._metricsCache.averageMarginSize, a = this._metricsCache.getMarginSize(this._anchorIdx + 1) ?? this._metricsCache.averageMarginSize;
			this._anchorIdx === 0 && (this._anchorPos = i), this._anchorIdx === this.items.length - 1 && (this._anchorPos = this._scrollSize - a - r);
			let o = 0;
			for (this._anchorPos + r + a < t && (o = t - (this._anchorPos + r + a)), this._anchorPos - i > n && (o = n - (this._anchorPos - i)), o && (this._scrollPosition -= o, t -= o, n -= o, this._scrollError += o), e.set(this._anchorIdx, {
				pos: this._anchorPos,
				size: r
			}), this._first = this._last = this._anchorIdx, this._physicalMin = this._anchorPos - i, this._physicalMax = this._anchorPos + r + a; this._physicalMin > t && this._first > 0;) {
				let t = this._getSize(--this._first);
				t === void 0 && (this._stable = !1, t = this._getAverageSize());
				let n = this._metricsCache.getMarginSize(this._first);
				n === void 0 && (this._stable = !1, n = this._metricsCache.averageMarginSize), this._physicalMin -= t;
				let r = this._physicalMin;
				if (e.set(this._first, {
					pos: r,
					size: t
				}), this._physicalMin -= n, this._stable === !1 && this._estimate === !1) break;
			}
			for (; this._physicalMax < n && this._last < this.items.length - 1;) {
				let t = this._getSize(++this._last);
				t === void 0 && (this._stable = !1, t = this._getAverageSize());
				let n = this._metricsCache.getMarginSize(this._last);
				n === void 0 && (this._stable = !1, n = this._metricsCache.averageMarginSize);
				let r = this._physicalMax;
				if (e.set(this._last, {
					pos: r,
					size: t
				}), this._physicalMax += t + n, !this._stable && !this._estimate) break;
			}
			let s = this._calculateError();
			s && (this._physicalMin -= s, this._physicalMax -= s, this._anchorPos -= s, this._scrollPosition -= s, e.forEach((e) => e.pos -= s), this._scrollError += s), this._stable && (this._newPhysicalItems = this._physicalItems, this._newPhysicalItems.clear(), this._physicalItems = e);
		}
		_calculateError() {
			return this._first === 0 ? this._physicalMin : this._physicalMin <= 0 ? this._physicalMin - this._first * this._delta : this._last === this.items.length - 1 ? this._physicalMax - this._scrollSize : this._physicalMax >= this._scrollSize ? this._physicalMax - this._scrollSize + (this.items.length - 1 - this._last) * this._delta : 0;
		}
		_reflow() {
			let { _first: e, _last: t } = this;
			super._reflow(), (this._first === -1 && this._last == -1 || this._first === e && this._last === t) && this._resetReflowState();
		}
		_resetReflowState() {
			this._anchorIdx = null, this._anchorPos = null, this._stable = !0;
		}
		_updateScrollSize() {
			let { averageMarginSize: e } = this._metricsCache;
			this._scrollSize = Math.max(1, this.items.length * (e + this._getAverageSize()) + e);
		}
		get _delta() {
			let { averageMarginSize: e } = this._metricsCache;
			return this._getAverageSize() + e;
		}
		_getItemPosition(e) {
			return {
				[this._positionDim]: this._getPosition(e),
				[this._secondaryPositionDim]: 0,
				[on(this.direction)]: -(this._metricsCache.getLeadingMarginValue(e, this.direction) ?? this._metricsCache.averageMarginSize)
			};
		}
		_getItemSize(e) {
			return {
				[this._sizeDim]: this._getSize(e) || this._getAverageSize(),
				[this._secondarySizeDim]: this._itemSize[this._secondarySizeDim]
			};
		}
		_viewDim2Changed() {
			this._metricsCache.clear(), this._scheduleReflow();
		}
	};
})), fn = typeof window < "u" ? window.ResizeObserver : void 0, pn = Symbol("virtualizerRef"), mn = "virtualizer-sizer", hn, gn = class {
	constructor(e) {
		if (this._benchmarkStart = null, this._layout = null, this._clippingAncestors = [], this._scrollSize = null, this._scrollError = null, this._childrenPos = null, this._childMeasurements = null, this._toBeMeasured = /* @__PURE__ */ new Map(), this._rangeChanged = !0, this._itemsChanged = !0, this._visibilityChanged = !0, this._scrollerController = null, this._isScroller = !1, this._sizer = null, this._hostElementRO = null, this._childrenRO = null, this._mutationObserver = null, this._scrollEventListeners = [], this._scrollEventListenerOptions = { passive: !0 }, this._loadListener = this._childLoaded.bind(this), this._scrollIntoViewTarget = null, this._updateScrollIntoViewCoordinates = null, this._items = [], this._first = -1, this._last = -1, this._firstVisible = -1, this._lastVisible = -1, this._scheduled = /* @__PURE__ */ new WeakSet(), this._measureCallback = null, this._measureChildOverride = null, this._layoutCompletePromise = null, this._layoutCompleteResolver = null, this._layoutCompleteRejecter = null, this._pendingLayoutComplete = null, this._layoutInitialized = null, this._connected = !1, !e) throw Error("Virtualizer constructor requires a configuration object");
		if (e.hostElement) this._init(e);
		else throw Error("Virtualizer configuration requires the \"hostElement\" property");
	}
	set items(e) {
		Array.isArray(e) && e !== this._items && (this._itemsChanged = !0, this._items = e, this._schedule(this._updateLayout));
	}
	_init(e) {
		this._isScroller = !!e.scroller, this._initHostElement(e);
		let t = e.layout || {};
		this._layoutInitialized = this._initLayout(t);
	}
	_initObservers() {
		this._mutationObserver = new MutationObserver(this._finishDOMUpdate.bind(this)), this._hostElementRO = new fn(() => this._hostElementSizeChanged()), this._childrenRO = new fn(this._childrenSizeChanged.bind(this));
	}
	_initHostElement(e) {
		let t = this._hostElement = e.hostElement;
		this._applyVirtualizerStyles(), t[pn] = this;
	}
	connected() {
		this._initObservers();
		let e = this._isScroller;
		this._clippingAncestors = xn(this._hostElement, e), this._scrollerController = new Xt(this, this._clippingAncestors[0]), this._schedule(this._updateLayout), this._observeAndListen(), this._connected = !0;
	}
	_observeAndListen() {
		this._mutationObserver.observe(this._hostElement, { childList: !0 }), this._hostElementRO.observe(this._hostElement), this._scrollEventListeners.push(window), window.addEventListener("scroll", this, this._scrollEventListenerOptions), this._clippingAncestors.forEach((e) => {
			e.addEventListener("scroll", this, this._scrollEventListenerOptions), this._scrollEventListeners.push(e), this._hostElementRO.observe(e);
		}), this._hostElementRO.observe(this._scrollerController.element), this._children.forEach((e) => this._childrenRO.observe(e)), this._scrollEventListeners.forEach((e) => e.addEventListener("scroll", this, this._scrollEventListenerOptions));
	}
	disconnected() {
		this._scrollEventListeners.forEach((e) => e.removeEventListener("scroll", this, this._scrollEventListenerOptions)), this._scrollEventListeners = [], this._clippingAncestors = [], this._scrollerController?.detach(this), this._scrollerController = null, this._mutationObserver?.disconnect(), this._mutationObserver = null, this._hostElementRO?.disconnect(), this._hostElementRO = null, this._childrenRO?.disconnect(), this._childrenRO = null, this._rejectLayoutCompletePromise("disconnected"), this._connected = !1;
	}
	_applyVirtualizerStyles() {
		let e = this._hostElement.style;
		e.display = e.display || "block", e.position = e.position || "relative", e.contain = e.contain || "size layout", this._isScroller && (e.overflow = e.overflow || "auto", e.minHeight = e.minHeight || "150px");
	}
	_getSizer() {
		let e = this._hostElement;
		if (!this._sizer) {
			let t = e.querySelector(`[${mn}]`);
			t || (t = document.createElement("div"), t.setAttribute(mn, ""), e.appendChild(t)), Object.assign(t.style, {
				position: "absolute",
				margin: "-2px 0 0 0",
				padding: 0,
				visibility: "hidden",
				fontSize: "2px"
			}), t.textContent = "&nbsp;", t.setAttribute(mn, ""), this._sizer = t;
		}
		return this._sizer;
	}
	async updateLayoutConfig(e) {
		await this._layoutInitialized;
		let t = e.type || hn;
		if (typeof t == "function" && this._layout instanceof t) {
			let t = { ...e };
			return delete t.type, this._layout.config = t, !0;
		}
		return !1;
	}
	async _initLayout(e) {
		let t, n;
		if (typeof e.type == "function") {
			n = e.type;
			let r = { ...e };
			delete r.type, t = r;
		} else t = e;
		n === void 0 && (hn = n = (await Promise.resolve().then(() => (dn(), nn))).FlowLayout), this._layout = new n((e) => this._handleLayoutMessage(e), t), this._layout.measureChildren && typeof this._layout.updateItemSizes == "function" && (typeof this._layout.measureChildren == "function" && (this._measureChildOverride = this._layout.measureChildren), this._measureCallback = this._layout.updateItemSizes.bind(this._layout)), this._layout.listenForChildLoadEvents && this._hostElement.addEventListener("load", this._loadListener, !0), this._schedule(this._updateLayout);
	}
	startBenchmarking() {
		this._benchmarkStart === null && (this._benchmarkStart = window.performance.now());
	}
	stopBenchmarking() {
		if (this._benchmarkStart !== null) {
			let e = window.performance.now(), t = e - this._benchmarkStart, n = performance.getEntriesByName("uv-virtualizing", "measure").filter((t) => t.startTime >= this._benchmarkStart && t.startTime < e).reduce((e, t) => e + t.duration, 0);
			return this._benchmarkStart = null, {
				timeElapsed: t,
				virtualizationTime: n
			};
		}
		return null;
	}
	_measureChildren() {
		let e = {}, t = this._children, n = this._measureChildOverride || this._measureChild;
		for (let r = 0; r < t.length; r++) {
			let i = t[r], a = this._first + r;
			(this._itemsChanged || this._toBeMeasured.has(i)) && (e[a] = n.call(this, i, this._items[a]));
		}
		this._childMeasurements = e, this._schedule(this._updateLayout), this._toBeMeasured.clear();
	}
	_measureChild(e) {
		let { width: t, height: n } = e.getBoundingClientRect();
		return Object.assign({
			width: t,
			height: n
		}, _n(e));
	}
	async _schedule(e) {
		this._scheduled.has(e) || (this._scheduled.add(e), await Promise.resolve(), this._scheduled.delete(e), e.call(this));
	}
	async _updateDOM(e) {
		this._scrollSize = e.scrollSize, this._adjustRange(e.range), this._childrenPos = e.childPositions, this._scrollError = e.scrollError || null;
		let { _rangeChanged: t, _itemsChanged: n } = this;
		this._visibilityChanged &&= (this._notifyVisibility(), !1), (t || n) && (this._notifyRange(), this._rangeChanged = !1), this._finishDOMUpdate();
	}
	_finishDOMUpdate() {
		this._connected && (this._children.forEach((e) => this._childrenRO.observe(e)), this._checkScrollIntoViewTarget(this._childrenPos), this._positionChildren(this._childrenPos), this._sizeHostElement(this._scrollSize), this._correctScrollError(), this._benchmarkStart && "mark" in window.performance && window.performance.mark("uv-end"));
	}
	_updateLayout() {
		this._layout && this._connected && (this._layout.items = this._items, this._updateView(), this._childMeasurements !== null && (this._measureCallback && this._measureCallback(this._childMeasurements), this._childMeasurements = null), this._layout.reflowIfNeeded(), this._benchmarkStart && "mark" in window.performance && window.performance.mark("uv-end"));
	}
	_handleScrollEvent() {
		if (this._benchmarkStart && "mark" in window.performance) {
			try {
				window.performance.measure("uv-virtualizing", "uv-start", "uv-end");
			} catch (e) {
				console.warn("Error measuring performance data: ", e);
			}
			window.performance.mark("uv-start");
		}
		this._scrollerController.correctingScrollError === !1 && this._layout?.unpin(), this._schedule(this._updateLayout);
	}
	handleEvent(e) {
		switch (e.type) {
			case "scroll":
				(e.currentTarget === window || this._clippingAncestors.includes(e.currentTarget)) && this._handleScrollEvent();
				break;
			default: console.warn("event not handled", e);
		}
	}
	_handleLayoutMessage(e) {
		e.type === "stateChanged" ? this._updateDOM(e) : e.type === "visibilityChanged" ? (this._firstVisible = e.firstVisible, this._lastVisible = e.lastVisible, this._notifyVisibility()) : e.type === "unpinned" && this._hostElement.dispatchEvent(new Jt());
	}
	get _children() {
		let e = [], t = this._hostElement.firstElementChild;
		for (; t;) t.hasAttribute(mn) || e.push(t), t = t.nextElementSibling;
		return e;
	}
	_updateView() {
		let e = this._hostElement, t = this._scrollerController?.element, n = this._layout;
		if (e && t && n) {
			let r, i, a, o, s = e.getBoundingClientRect();
			r = 0, i = 0, a = window.innerHeight, o = window.innerWidth;
			let c = this._clippingAncestors.map((e) => e.getBoundingClientRect());
			c.unshift(s);
			for (let e of c) r = Math.max(r, e.top), i = Math.max(i, e.left), a = Math.min(a, e.bottom), o = Math.min(o, e.right);
			let l = t.getBoundingClientRect(), u = {
				left: s.left - l.left,
				top: s.top - l.top
			}, d = {
				width: t.scrollWidth,
				height: t.scrollHeight
			}, f = r - s.top + e.scrollTop, p = i - s.left + e.scrollLeft, m = Math.max(0, a - r);
			n.viewportSize = {
				width: Math.max(0, o - i),
				height: m
			}, n.viewportScroll = {
				top: f,
				left: p
			}, n.totalScrollSize = d, n.offsetWithinScroller = u;
		}
	}
	_sizeHostElement(e) {
		let t = 82e5, n = e && e.width !== null ? Math.min(t, e.width) : 0, r = e && e.height !== null ? Math.min(t, e.height) : 0;
		if (this._isScroller) this._getSizer().style.transform = `translate(${n}px, ${r}px)`;
		else {
			let e = this._hostElement.style;
			e.minWidth = n ? `${n}px` : "100%", e.minHeight = r ? `${r}px` : "100%";
		}
	}
	_positionChildren(e) {
		e && e.forEach(({ top: e, left: t, width: n, height: r, xOffset: i, yOffset: a }, o) => {
			let s = this._children[o - this._first];
			s && (s.style.position = "absolute", s.style.boxSizing = "border-box", s.style.transform = `translate(${t}px, ${e}px)`, n !== void 0 && (s.style.width = n + "px"), r !== void 0 && (s.style.height = r + "px"), s.style.left = i === void 0 ? null : i + "px", s.style.top = a === void 0 ? null : a + "px");
		});
	}
	async _adjustRange(e) {
		let { _first: t, _last: n, _firstVisible: r, _lastVisible: i } = this;
		this._first = e.first, this._last = e.last, this._firstVisible = e.firstVisible, this._lastVisible = e.lastVisible, this._rangeChanged = this._rangeChanged || this._first !== t || this._last !== n, this._visibilityChanged = this._visibilityChanged || this._firstVisible !== r || this._lastVisible !== i;
	}
	_correctScrollError() {
		if (this._scrollError) {
			let { scrollTop: e, scrollLeft: t } = this._scrollerController, { top: n, left: r } = this._scrollError;
			this._scrollError = null, this._scrollerController.correctScrollError({
				top: e - n,
				left: t - r
			});
		}
	}
	element(e) {
		return e === Infinity && (e = this._items.length - 1), this._items?.[e] === void 0 ? void 0 : { scrollIntoView: (t = {}) => this._scrollElementIntoView({
			...t,
			index: e
		}) };
	}
	_scrollElementIntoView(e) {
		if (e.index >= this._first && e.index <= this._last) this._children[e.index - this._first].scrollIntoView(e);
		else if (e.index = Math.min(e.index, this._items.length - 1), e.behavior === "smooth") {
			let t = this._layout.getScrollIntoViewCoordinates(e), { behavior: n } = e;
			this._updateScrollIntoViewCoordinates = this._scrollerController.managedScrollTo(Object.assign(t, { behavior: n }), () => this._layout.getScrollIntoViewCoordinates(e), () => this._scrollIntoViewTarget = null), this._scrollIntoViewTarget = e;
		} else this._layout.pin = e;
	}
	_checkScrollIntoViewTarget(e) {
		let { index: t } = this._scrollIntoViewTarget || {};
		t && e?.has(t) && this._updateScrollIntoViewCoordinates(this._layout.getScrollIntoViewCoordinates(this._scrollIntoViewTarget));
	}
	_notifyRange() {
		this._hostElement.dispatchEvent(new Kt({
			first: this._first,
			last: this._last
		}));
	}
	_notifyVisibility() {
		this._hostElement.dispatchEvent(new qt({
			first: this._firstVisible,
			last: this._lastVisible
		}));
	}
	get layoutComplete() {
		return this._layoutCompletePromise ||= new Promise((e, t) => {
			this._layoutCompleteResolver = e, this._layoutCompleteRejecter = t;
		}), this._layoutCompletePromise;
	}
	_rejectLayoutCompletePromise(e) {
		this._layoutCompleteRejecter !== null && this._layoutCompleteRejecter(e), this._resetLayoutCompleteState();
	}
	_scheduleLayoutComplete() {
		this._layoutCompletePromise && this._pendingLayoutComplete === null && (this._pendingLayoutComplete = requestAnimationFrame(() => requestAnimationFrame(() => this._resolveLayoutCompletePromise())));
	}
	_resolveLayoutCompletePromise() {
		this._layoutCompleteResolver !== null && this._layoutCompleteResolver(), this._resetLayoutCompleteState();
	}
	_resetLayoutCompleteState() {
		this._layoutCompletePromise = null, this._layoutCompleteResolver = null, this._layoutCompleteRejecter = null, this._pendingLayoutComplete = null;
	}
	_hostElementSizeChanged() {
		this._schedule(this._updateLayout);
	}
	_childLoaded() {}
	_childrenSizeChanged(e) {
		if (this._layout?.measureChildren) {
			for (let t of e) this._toBeMeasured.set(t.target, t.contentRect);
			this._measureChildren();
		}
		this._scheduleLayoutComplete(), this._itemsChanged = !1, this._rangeChanged = !1;
	}
};
function _n(e) {
	let t = window.getComputedStyle(e);
	return {
		marginTop: vn(t.marginTop),
		marginRight: vn(t.marginRight),
		marginBottom: vn(t.marginBottom),
		marginLeft: vn(t.marginLeft)
	};
}
function vn(e) {
	let t = e ? parseFloat(e) : NaN;
	return Number.isNaN(t) ? 0 : t;
}
function yn(e) {
	if (e.assignedSlot !== null) return e.assignedSlot;
	if (e.parentElement !== null) return e.parentElement;
	let t = e.parentNode;
	return t && t.nodeType === Node.DOCUMENT_FRAGMENT_NODE && t.host || null;
}
function bn(e, t = !1) {
	let n = [], r = t ? e : yn(e);
	for (; r !== null;) n.push(r), r = yn(r);
	return n;
}
function xn(e, t = !1) {
	let n = !1;
	return bn(e, t).filter((e) => {
		if (n) return !1;
		let t = getComputedStyle(e);
		return n = t.position === "fixed", t.overflow !== "visible";
	});
}
// node_modules/@lit-labs/virtualizer/virtualize.js
var Sn = (e) => e, Cn = (e, t) => w`${t}: ${JSON.stringify(e, null, 2)}`, wn = Ot(class extends Ut {
	constructor(e) {
		if (super(e), this._virtualizer = null, this._first = 0, this._last = -1, this._renderItem = (e, t) => Cn(e, t + this._first), this._keyFunction = (e, t) => Sn(e, t + this._first), this._items = [], e.type !== Dt.CHILD) throw Error("The virtualize directive can only be used in child expressions");
	}
	render(e) {
		e && this._setFunctions(e);
		let t = [];
		if (this._first >= 0 && this._last >= this._first) for (let e = this._first; e <= this._last; e++) t.push(this._items[e]);
		return Gt(t, this._keyFunction, this._renderItem);
	}
	update(e, [t]) {
		this._setFunctions(t);
		let n = this._items !== t.items;
		return this._items = t.items || [], this._virtualizer ? this._updateVirtualizerConfig(e, t) : this._initialize(e, t), n ? E : this.render();
	}
	async _updateVirtualizerConfig(e, t) {
		if (!await this._virtualizer.updateLayoutConfig(t.layout || {})) {
			let n = e.parentNode;
			this._makeVirtualizer(n, t);
		}
		this._virtualizer.items = this._items;
	}
	_setFunctions(e) {
		let { renderItem: t, keyFunction: n } = e;
		t && (this._renderItem = (e, n) => t(e, n + this._first)), n && (this._keyFunction = (e, t) => n(e, t + this._first));
	}
	_makeVirtualizer(e, t) {
		this._virtualizer && this._virtualizer.disconnected();
		let { layout: n, scroller: r, items: i } = t;
		this._virtualizer = new gn({
			hostElement: e,
			layout: n,
			scroller: r
		}), this._virtualizer.items = i, this._virtualizer.connected();
	}
	_initialize(e, t) {
		let n = e.parentNode;
		n && n.nodeType === 1 && (n.addEventListener("rangeChanged", (e) => {
			this._first = e.first, this._last = e.last, this.setValue(this.render());
		}), this._makeVirtualizer(n, t));
	}
	disconnected() {
		this._virtualizer?.disconnected();
	}
	reconnected() {
		this._virtualizer?.connected();
	}
}), Tn = [
	"export_wh",
	"import_wh",
	"sold_wh",
	"bought_wh",
	"earned_cents",
	"paid_cents"
];
function En(e) {
	let [t = "", ...n] = e.trim().split("\n"), r = t.split(","), i = (e) => r.indexOf(e), a = Tn.map(i), o = i("start"), s = /* @__PURE__ */ new Map();
	for (let e of n) {
		let t = e.split(","), n = Date.parse(t[o] ?? "") / 1e3;
		if (!Number.isFinite(n)) continue;
		let r = Object.fromEntries(Tn.map((e, n) => [e, Number(t[a[n] ?? -1] ?? 0) || 0]));
		s.set(n, {
			start: n,
			...r
		});
	}
	return [...s.values()].sort((e, t) => t.start - e.start);
}
// src/cards/history-card.ts
var Dn = 365, On = 864e5, kn = (e) => new Date(e).toISOString().slice(0, 10), An = class extends K {
	static {
		this.styles = [U, l`
      .list {
        height: 420px;
        contain: strict;
        border-top: 1px solid var(--line);
      }
      .row {
        display: grid;
        grid-template-columns: minmax(0, 0.9fr) minmax(0, 1.4fr) minmax(0, 0.9fr);
        gap: 0 10px;
        align-items: center;
        width: 100%;
        height: 52px;
        padding: 0 16px;
        border-bottom: 1px solid var(--line);
        font-size: 14px;
      }
      .row > :not(:first-child) {
        text-align: right;
      }
      .row small {
        display: block;
        color: var(--soft);
        font-size: 12px;
      }
      .gain {
        color: var(--good);
      }
      .head {
        padding-bottom: 14px;
      }
      .body {
        padding-top: 0;
      }
    `];
	}
	#e = new H(this, () => this.#i(), 300);
	getGridOptions() {
		return {
			columns: 12,
			rows: "auto",
			min_columns: 6
		};
	}
	show() {
		let e = this.#e.value;
		return w`${this.renderHead(this.say("history"), e ? w`<span class="pill">${this.say("periods", { count: e.length === 1 ? 1 : Ge(e.length) })}</span>` : D)}
      ${e?.length ? D : w`<p class="body soft">${this.#e.problem || this.say(e ? "no_history" : "loading")}</p>`}
      ${e?.length ? w`<div class="list" tabindex="0" role="list" aria-label=${this.say("history")}>
            ${wn({
			scroller: !0,
			items: e,
			renderItem: (e) => this.#t(e)
		})}
          </div>` : D}`;
	}
	#t(e) {
		let t = (e.earned_cents - e.paid_cents) / 100, n = e.sold_wh > 0 ? this.say("row_sold", { energy: R(e.sold_wh / 1e3) }) : e.bought_wh > 0 ? this.say("row_bought", { energy: R(e.bought_wh / 1e3) }) : "–";
		return w`<div class="row" role="listitem">
      <span class="number">${this.times.clock(e.start)}<small>${this.times.day(e.start)}</small></span>
      <span class="number">${n}<small>${this.#n(e)}</small></span>
      <b class="number ${t > 0 ? "gain" : ""}">${t === 0 ? "–" : L(t, !0)}</b>
    </div>`;
	}
	#n(e) {
		let t = e.export_wh - e.import_wh;
		return t === 0 ? "" : this.say(t < 0 ? "row_took" : "row_gave", { energy: R(Math.abs(t) / 1e3) });
	}
	async #r(e) {
		let t = Date.parse(e.text("last_settlement") ?? ""), n = Math.max(Date.now(), Number.isNaN(t) ? 0 : t), { csv: r } = await e.act("export_history", {
			from: kn(n - Dn * On),
			to: kn(n + On)
		});
		return En(r);
	}
	#i() {
		let e = this.household;
		return e === void 0 ? null : this.#r(e);
	}
};
An = W([N("energy-swap-history-card")], An), ot("energy-swap-history-card", "Energy Swap: history", "Every settled period of the last year: what was sold, bought, earned and paid.");
// src/panel.ts
var jn = [
	"energy-swap-money-card",
	"energy-swap-market-card",
	"energy-swap-forecast-card",
	"energy-swap-history-card"
], $ = class extends M {
	constructor(...e) {
		super(...e), this.narrow = !1, this.#e = /* @__PURE__ */ new Map();
	}
	static {
		this.styles = l`
    :host {
      display: block;
      min-height: 100vh;
      background: var(--primary-background-color);
      color: var(--primary-text-color);
    }
    header {
      display: flex;
      align-items: center;
      gap: 8px;
      min-height: var(--header-height, 56px);
      padding: 0 12px;
      background: var(--app-header-background-color);
      color: var(--app-header-text-color, var(--text-primary-color));
    }
    h1 {
      font-size: 20px;
      font-weight: 400;
      margin: 0;
      flex: 1;
    }
    select {
      font: inherit;
      min-height: 44px;
      max-width: 50%;
      border-radius: 10px;
      border: 1px solid currentcolor;
      background: transparent;
      color: inherit;
      padding: 0 10px;
    }
    select option {
      color: initial;
    }
    main {
      columns: 3 380px;
      column-gap: 12px;
      padding: 12px 12px 0;
      max-width: 1500px;
      margin: 0 auto;
    }
    main > * {
      break-inside: avoid;
      margin-bottom: 12px;
    }
  `;
	}
	#e;
	shouldUpdate() {
		return this.hass !== void 0;
	}
	render() {
		let e = it(this.hass), t = this.chosen !== void 0 && e.includes(this.chosen) ? this.chosen : e[0], n = B(z(this.hass.language));
		return w`<header>
        <ha-menu-button .hass=${this.hass} .narrow=${this.narrow}></ha-menu-button>
        <h1>Energy Swap</h1>
        ${e.length > 1 ? this.#t(e, t) : D}
      </header>
      <main>${t === void 0 ? w`<p>${n("no_household")}</p>` : jn.map((e) => this.#n(e, t))}</main>`;
	}
	#t(e, t) {
		return w`<select
      aria-label=${B(z(this.hass.language))("household")}
      @change=${(e) => {
			this.chosen = e.target.value;
		}}
    >
      ${e.map((e) => w`<option value=${e} ?selected=${e === t}>${new at(this.hass, e).name}</option>`)}
    </select>`;
	}
	#n(e, t) {
		let n = `${e} ${t}`, r = this.#e.get(n);
		return r === void 0 && (r = document.createElement(e), r.setConfig({
			type: e,
			device_id: t
		}), this.#e.set(n, r)), r.hass = this.hass, r;
	}
};
W([P({ attribute: !1 })], $.prototype, "hass", void 0), W([P({ type: Boolean })], $.prototype, "narrow", void 0), W([F()], $.prototype, "chosen", void 0), $ = W([N("energy-swap-panel")], $);
// src/strategy.ts
var Mn = [
	"energy-swap-money-card",
	"energy-swap-market-card",
	"energy-swap-forecast-card",
	"energy-swap-history-card"
], Nn = class extends HTMLElement {
	static generate(e, t) {
		let n = B(z(t.language)), r = it(t).map((e) => ({
			title: new at(t, e).name,
			path: e,
			icon: "mdi:solar-power-variant",
			type: "sections",
			max_columns: 3,
			sections: Mn.map((t) => ({
				type: "grid",
				cards: [{
					type: `custom:${t}`,
					device_id: e,
					grid_options: { columns: "full" }
				}]
			}))
		})), i = {
			title: "Energy Swap",
			cards: [{
				type: "markdown",
				content: n("no_household")
			}]
		};
		return Promise.resolve({
			title: "Energy Swap",
			views: r.length > 0 ? r : [i]
		});
	}
};
customElements.define("ll-strategy-dashboard-energy-swap", Nn);
};
const app = "home-assistant";
if (!document.querySelector(app) || customElements.get(app)) begin();
else customElements.whenDefined(app).then(begin);
